"""A job of an operator: show or create what a start would create."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.databases.records.schema_plan import ReportBuild, SchemaPlan
from adapters.databases.sql.schema import schema
from adapters.databases.sqlite.database import DatabaseFile, connect, inspect_file, is_present
from adapters.databases.sqlite.dialect import SQLITE
from adapters.databases.sqlite.schema import (
    check_schema,
    create_schema_object,
    find_missing,
    find_plan,
)
from adapters.databases.sqlite.stored_keys import connect_to_read


async def plan_migration(path: Path, key_fingerprint: str | None) -> SchemaPlan:
    """Return what a start would change. Nothing is written, and no file is created."""
    if not is_present(path):
        inspect_file(path, key_fingerprint)  # whether it could be created
        return SchemaPlan(is_new=True, missing=[*schema(SQLITE)])
    with connect_to_read(path) as connection:
        is_new = check_schema(connection, path, key_fingerprint) is None
        return find_plan(connection, is_new=is_new)


async def migrate(path: Path, key_fingerprint: str, report: ReportBuild) -> SchemaPlan:
    """Create what a start would create, and return what that was. Services may run.

    Each table and index is a transaction of its own. Writes of services wait for one of them.
    """
    plan = await plan_migration(path, key_fingerprint)
    if plan.is_new:
        DatabaseFile(path).connect_to_write(key_fingerprint).close()
        return plan
    with connect(path) as connection, closing(connection):
        for missing in plan.missing:
            report(missing)
            with _transaction(connection):
                check_schema(connection, path, key_fingerprint)
                # A start of this version may have created it meanwhile.
                if statement := find_missing(connection).get(missing):
                    create_schema_object(connection, missing, statement, path)
    return plan


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")
