"""The metadata of a database: its schema version, its keys, and the health check."""

import logging
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.errors import UndefinedColumn, UndefinedTable, UniqueViolation

from adapters.causes import describe_error
from adapters.postgres.database import PostgresDatabase
from adapters.postgres.driver import PostgresConnection
from adapters.postgres.schema import METADATA_TABLE, column_statements, schema, tables
from adapters.records.database_metadata import (
    EMPTIED,
    SCHEMA_VERSION,
    DatabaseMetadata,
    check_schema_version,
)
from adapters.records.schema_plan import HAS_DUPLICATES, SchemaObject, describe_rejected_index
from application.ports.errors import ConfigurationError, StorageUnavailable

MIN_SERVER_VERSION: Final = 130000
"""PostgreSQL 13, as `server_version` has it."""
BUILD_TIMEOUT: Final = 3600.0
"""Seconds for the indexes of large tables, and for instances that wait for these."""
LOCK_ID: Final = 0x4449414C
"""Of the advisory lock with which one instance at a time opens a database: the letters DIAL."""

_OTHER_PROGRAM: Final = "{location} has tables of another program: name another database."
_TOO_OLD: Final = "{location} is a PostgreSQL older than 13: start a newer one."
_NO_UTF8: Final = (
    "{location} cannot store all texts, because its encoding is not UTF8: create a database with "
    "`createdb --encoding=UTF8 --template=template0`, and name that."
)
_NO_SCHEMA: Final = (
    "{location} has no schema in which this user may create tables: grant it USAGE and CREATE on "
    "the schema public, or set its search_path."
)
_INVALID_INDEX: Final = (
    "{location} has an index that is invalid or being built, {name}: wait until `dialtone migrate` "
    "has ended, or start that: it creates the index again."
)

# feature_not_supported, syntax_error, invalid_object_definition: of a server that only speaks the
# protocol of PostgreSQL.
_NOT_SUPPORTED: Final = {"0A000", "42601", "42P17"}
_LONG_TIMEOUT: Final = f"SET LOCAL statement_timeout = '{BUILD_TIMEOUT:.0f}s'"
_INSPECT_SERVER: Final = """
SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
_FIND_NAMES: Final = """
SELECT relname, coalesce(indisvalid, true)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
LEFT JOIN pg_index ON indexrelid = pg_class.oid
WHERE nspname = current_schema() AND relname = ANY(%s)
"""
_FIND_COLUMNS: Final = """
SELECT relname, attname FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = current_schema() AND relname = ANY(%s) AND attnum > 0 AND NOT attisdropped
"""
# ruff: noqa: S608 -- the names are ours
_FIND: Final = f"""
SELECT to_jsonb({METADATA_TABLE}) FROM {METADATA_TABLE} WHERE id = 'database'
"""
_INSERT: Final = f"""
INSERT INTO {METADATA_TABLE} (id, schema_version, key_fingerprint) VALUES ('database', %s, %s)
"""
_WRITE_CHECK: Final = f"UPDATE {METADATA_TABLE} SET health_checked_at = now() WHERE id = 'database'"
_START_CHANGE: Final = f"""
UPDATE {METADATA_TABLE} SET key_fingerprint = %s, unfinished_index_key = %s WHERE id = 'database'
"""
FINISH_CHANGE: Final = f"""
UPDATE {METADATA_TABLE} SET unfinished_index_key = NULL WHERE id = 'database'
"""
"""Writes that the change to another key is finished."""

_log = logging.getLogger(__name__)


async def prepare_database(
    connection: PostgresConnection, location: str, key_fingerprint: str, *, is_copy: bool = False
) -> None:
    """Create what is missing, all or nothing, or check that the database is ours.

    Instances that open it at the same time wait for each other.

    Raises:
        ConfigurationError: It belongs to another program, another version or other keys.
        psycopg.Error: Also when the user may not write.
    """
    async with connection.transaction():
        await connection.execute(_LONG_TIMEOUT)
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_ID,))
        metadata = await check(connection, location, key_fingerprint, is_copy=is_copy)
        await create_missing(connection, location)
        if metadata is None:
            await connection.execute(_INSERT, (SCHEMA_VERSION, key_fingerprint))
        # A user who may only read would fail at the first request instead.
        await connection.execute(_WRITE_CHECK)
    if metadata is None:
        _log.info({"event": "database_created", "schema_version": SCHEMA_VERSION})


async def inspect(
    connection: PostgresConnection, location: str, key_fingerprint: str | None
) -> int | None:
    """Check whether `prepare_database` would succeed, without creating or changing anything.

    Returns:
        The schema version, or None if the database is new.

    Raises:
        ConfigurationError: It belongs to another program, another version or other keys.
        psycopg.Error: Also when the user may not write.
    """
    async with connection.transaction(force_rollback=True):
        metadata = await check(connection, location, key_fingerprint)
        if metadata is None:
            return None
        await connection.execute(_WRITE_CHECK)
        return metadata.schema_version


async def check(
    connection: PostgresConnection,
    location: str,
    key_fingerprint: str | None,
    *,
    is_copy: bool = False,
) -> DatabaseMetadata | None:
    """Check server and metadata, in a transaction. Return the metadata; None if there is none.

    Raises:
        ConfigurationError
        psycopg.Error
    """
    cursor = await connection.execute(_INSPECT_SERVER)
    [(server_version, encoding, may_create)] = await cursor.fetchall()
    if server_version < MIN_SERVER_VERSION:
        raise ConfigurationError(_TOO_OLD.format(location=location))
    if encoding != "UTF8":
        raise ConfigurationError(_NO_UTF8.format(location=location))
    metadata = await find_metadata(connection, location)
    if metadata is None:
        if not may_create:
            raise ConfigurationError(_NO_SCHEMA.format(location=location))
        return None
    metadata.check(location, key_fingerprint, is_copy=is_copy)
    return metadata


async def find_metadata(connection: PostgresConnection, location: str) -> DatabaseMetadata | None:
    """Return the metadata, or None if the database is new.

    Raises:
        ConfigurationError: It belongs to another program or another version.
        psycopg.Error
    """
    existing = await _find_names(connection, tables())
    if not existing:
        return None
    try:
        cursor = await connection.execute(_FIND)
        [(fields,)] = await cursor.fetchall() or [({},)]
        check_schema_version(fields["schema_version"], location)
        return DatabaseMetadata(
            fields["schema_version"],
            fields["key_fingerprint"],
            fields["unfinished_index_key"],
            fields["copy_mark"],
        )
    except (KeyError, UndefinedColumn, UndefinedTable):
        raise ConfigurationError(_OTHER_PROGRAM.format(location=location)) from None


async def create_missing(connection: PostgresConnection, location: str) -> None:
    """Create the tables, columns and indexes that are missing. None is dropped or changed.

    Raises:
        ConfigurationError: An index is invalid, or a unique one cannot be built.
        psycopg.Error
    """
    for name in await find_invalid(connection):
        raise ConfigurationError(_INVALID_INDEX.format(location=location, name=name))
    for missing, statement in (await find_missing(connection)).items():
        try:
            await connection.execute(statement)
        except UniqueViolation:
            message = HAS_DUPLICATES.format(location=location, name=missing.name)
            raise ConfigurationError(message) from None
        except psycopg.Error as error:
            check_rejected_index(error, location, missing)
            raise


def check_rejected_index(error: psycopg.Error, location: str, created: SchemaObject) -> None:
    """Raise ConfigurationError if the server lacks what an index needs."""
    if created.sort == "index" and error.sqlstate in _NOT_SUPPORTED:
        message = describe_rejected_index(location, created, describe_error(error))
        raise ConfigurationError(message) from None


async def find_missing(connection: PostgresConnection) -> dict[SchemaObject, str]:
    """Return the tables, columns and indexes that are missing, and the statements for them."""
    existing = await _find_names(connection, [created.name for created in schema()])
    cursor = await connection.execute(_FIND_COLUMNS, ([*tables()],))
    columns = set(await cursor.fetchall())
    missing_columns = {
        column: statement
        for column, statement in column_statements().items()
        if column.table in existing and (column.table, column.name) not in columns
    }
    return missing_columns | {
        created: statement
        for created, statement in schema().items()
        if created.name not in existing
    }


async def find_invalid(connection: PostgresConnection) -> list[str]:
    """Return the names of indexes whose building failed, or has not ended."""
    existing = await _find_names(connection, [created.name for created in schema()])
    return [name for name, is_valid in existing.items() if not is_valid]


async def start_change(connection: PostgresConnection, new: str, old: str) -> None:
    """Write that the change to another key is unfinished, so that no service starts."""
    await connection.execute(_START_CHANGE, (new, old))


async def _find_names(
    connection: PostgresConnection, names: tuple[str, ...] | list[str]
) -> dict[str, bool]:
    """Return which of these tables and indexes there are, and whether they are valid."""
    cursor = await connection.execute(_FIND_NAMES, ([*names],))
    return dict(await cursor.fetchall())


@dataclass(frozen=True, slots=True)
class PostgresHealthCheck:
    """Writes to the metadata, since a standby can be read."""

    database: PostgresDatabase

    async def check(self) -> None:
        if self.database.deadlines.are_turns_taken:
            return
        if not await self.database.write(_WRITE_CHECK):
            raise StorageUnavailable(EMPTIED)
