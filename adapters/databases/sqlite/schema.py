"""The schema of the file: what it has, and what is missing in it."""

import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.database_metadata import (
    METADATA_TABLE,
    SCHEMA_VERSION,
    DatabaseMetadata,
    check_schema_version,
)
from adapters.databases.records.schema_plan import DUPLICATES, SchemaObject, SchemaPlan
from adapters.databases.records.undeclared_records import find_absent_feature
from adapters.databases.sql import schema as tables
from adapters.databases.sql.metadata import FIND_METADATA, insert_metadata, read_metadata
from adapters.databases.sql.schema import OWN_COLUMNS, find_undeclared, schema, select_duplicates
from adapters.databases.sqlite.dialect import SQLITE
from application.ports.errors import ConfigurationError

APPLICATION_ID: Final = 0x4449414C
"""The id in the header of the file that says it is Dialtone's: the letters DIAL."""

_log = logging.getLogger(__name__)


def find_missing(connection: sqlite3.Connection) -> Mapping[SchemaObject, str]:
    """Return the tables, columns and indexes that are missing, and the statements for them."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    columns = {(column.table, column.name) for column in _find_columns(connection)}
    return tables.find_missing(SQLITE, names, columns)


def find_plan(connection: sqlite3.Connection, *, is_new: bool) -> SchemaPlan:
    """Return what `prepare_schema` would change, and what else the file has."""
    rows = connection.execute(
        "SELECT type, name, tbl_name FROM sqlite_master WHERE sql NOTNULL "
        "AND name NOT LIKE 'sqlite~_stat%' ESCAPE '~'"
    )
    found = [SchemaObject(sort, name, table if name != table else "") for sort, name, table in rows]
    return SchemaPlan(
        is_new=is_new,
        missing=[*find_missing(connection)],
        undeclared=find_undeclared(SQLITE, [*_find_columns(connection), *found]),
    )


def create_schema_object(
    connection: sqlite3.Connection, created: SchemaObject, statement: str, path: Path
) -> None:
    """Create a table, a column or an index, in a transaction.

    Raises:
        ConfigurationError: Records have the same value of a unique index.
    """
    try:
        connection.execute(statement)
    except sqlite3.IntegrityError:
        raise ConfigurationError(_describe_duplicates(connection, created, path)) from None


def prepare_schema(
    connection: sqlite3.Connection, path: Path, key_fingerprint: str, *, is_copy: bool = False
) -> None:
    """Create what is missing, all or nothing, also if several processes open the file."""
    connection.execute("BEGIN IMMEDIATE")
    is_new = check_schema(connection, path, key_fingerprint, is_copy=is_copy) is None
    for missing, statement in find_missing(connection).items():
        create_schema_object(connection, missing, statement, path)
    if is_new:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(insert_metadata(SQLITE), (SCHEMA_VERSION, key_fingerprint))
    connection.execute("COMMIT")
    if is_new:
        _log.info({"event": "database_created", "schema_version": SCHEMA_VERSION})


def check_schema(
    connection: sqlite3.Connection,
    path: Path,
    key_fingerprint: str | None,
    *,
    is_copy: bool = False,
) -> DatabaseMetadata | None:
    """Check that this program may use the file. Return the metadata, or None if it is empty."""
    metadata = find_metadata(connection, path)
    if metadata is not None:
        metadata.check(str(path), key_fingerprint, is_copy=is_copy)
    return metadata


def find_metadata(connection: sqlite3.Connection, path: Path) -> DatabaseMetadata | None:
    """Return the metadata, or None if the file is empty."""
    if _is_new(connection, path):
        return None
    if (METADATA_TABLE,) not in connection.execute("SELECT name FROM sqlite_master"):
        check_schema_version(1, path)
    cursor = connection.execute(FIND_METADATA)
    return read_metadata(cursor.description, cursor.fetchall(), path)


def list_tables(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all tables but those of SQLite."""
    return [name for (name,) in connection.execute(SQLITE.list_tables)]


def complete_schema(connection: sqlite3.Connection, path: Path) -> str | None:
    """Create the tables, columns and indexes that the file of an older program does not have.

    Returns:
        The first object that is not of this schema, e.g. `trigger x`; nothing is created then.
        Ignores the tables of ANALYZE and of features that this program does not have.

    Raises:
        ConfigurationError: The records violate a unique index.
    """
    undeclared = {
        name
        for name in list_tables(connection)
        if find_absent_feature(name) and _has_layout(connection, name)
    }
    objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    for kind, name, table, sql in objects:
        is_statistics = kind == "table" and name.startswith("sqlite_stat")
        is_undeclared = kind in ("table", "index") and table in undeclared
        if not _is_known(kind, name, sql) and not is_statistics and not is_undeclared:
            return f"{kind} {name}"
    try:
        for statement in find_missing(connection).values():
            connection.execute(statement)
    except sqlite3.IntegrityError:
        raise ConfigurationError(f"{path} is damaged: use an earlier backup.") from None
    return None


def _is_known(kind: str, name: str, sql: str | None) -> bool:
    """Return whether an object is of the schema. A table may lack columns that are newer."""
    declared = {(each.sort, each.name): text for each, text in schema(SQLITE).items()}
    known = declared.get((kind, name))
    if sql is None or known is None:
        return sql is None  # SQLite makes an index of each primary key
    if kind == "table":
        return _definitions_of(known) >= _definitions_of(sql)
    return known == sql


def _definitions_of(create_table: str) -> frozenset[str]:
    """Return the name of a table, its columns in any order, and what comes after them.

    A column that was added is the last one. No definition has a comma.
    """
    name, _, rest = create_table.partition("(")
    columns, _, options = rest.rpartition(")")
    return frozenset([name, *(column.strip() for column in columns.split(",")), f") {options}"])


def _find_columns(connection: sqlite3.Connection) -> list[SchemaObject]:
    return [
        SchemaObject("column", name, kind.name)
        for kind in stored_kinds()
        for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (kind.name,))
    ]


def _has_layout(connection: sqlite3.Connection, name: str) -> bool:
    (columns,) = connection.execute(SQLITE.count_columns, (name,)).fetchone()
    return bool(columns == len(OWN_COLUMNS))


def _describe_duplicates(connection: sqlite3.Connection, index: SchemaObject, path: Path) -> str:
    query = select_duplicates(index)
    (count,) = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()  # noqa: S608
    return DUPLICATES.format(
        location=path, name=index.name, count=count, table=index.table, query=query
    )


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    application_id = _read_pragma(connection, "application_id")
    if application_id == APPLICATION_ID:
        return False
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id or tables or _read_pragma(connection, "user_version"):
        raise ConfigurationError(f"{path} is the database of another program: name another file.")
    return True


def _read_pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
