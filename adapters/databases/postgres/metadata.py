"""The metadata of a database: its schema version, its keys, and the health check."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.errors import UndefinedTable, UniqueViolation

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.driver import PostgresConnection, describe_silent
from adapters.databases.records.database_metadata import EMPTIED, SCHEMA_VERSION, DatabaseMetadata
from adapters.databases.records.schema_plan import (
    HAS_DUPLICATES,
    SchemaObject,
    describe_rejected_index,
)
from adapters.databases.sql import schema as tables_of_kinds
from adapters.databases.sql.metadata import (
    FIND_METADATA,
    OTHER_PROGRAM,
    WRITE_CHECK,
    insert_metadata,
    read_metadata,
)
from adapters.databases.sql.schema import schema, tables
from adapters.shared.causes import describe_error
from application.ports.errors import ConfigurationError, StorageUnavailable

MIN_SERVER_VERSION: Final = 130000
"""PostgreSQL 13, as `server_version` has it."""
BUILD_TIMEOUT: Final = 3600.0
"""Seconds for the indexes of large tables, and for instances that wait for these."""
LOCK_ID: Final = 0x4449414C
"""Id of the advisory lock with which one instance at a time opens a database: DIAL in ASCII."""

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
_log = logging.getLogger(__name__)


async def prepare_database(
    connection: PostgresConnection, location: str, key_fingerprint: str, *, is_copy: bool = False
) -> None:
    """Create what is missing, all or nothing, or check that the database is ours.

    Instances that open it at the same time wait for each other.
    """
    async with connection.transaction():
        await connection.execute(_LONG_TIMEOUT)
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_ID,))
        metadata = await check(connection, location, key_fingerprint, is_copy=is_copy)
        await create_missing(connection, location)
        if metadata is None:
            await connection.execute(insert_metadata(POSTGRES), (SCHEMA_VERSION, key_fingerprint))
        # A user who may only read would fail at the first request instead.
        await connection.execute(WRITE_CHECK)
    if metadata is None:
        _log.info({"event": "database_created", "schema_version": SCHEMA_VERSION})


async def inspect(
    connection: PostgresConnection, location: str, key_fingerprint: str | None
) -> int | None:
    """Check as `prepare_database` does, without a write. Return the version, None if it is new."""
    async with connection.transaction(force_rollback=True):
        metadata = await check(connection, location, key_fingerprint)
        if metadata is None:
            return None
        await connection.execute(WRITE_CHECK)
        return metadata.schema_version


async def check(
    connection: PostgresConnection,
    location: str,
    key_fingerprint: str | None,
    *,
    is_copy: bool = False,
) -> DatabaseMetadata | None:
    """Check server and metadata, in a transaction. Return the metadata, None without any.

    Raises:
        ConfigurationError
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
    """
    existing = await _find_names(connection, tables())
    if not existing:
        return None
    try:
        cursor = await connection.execute(FIND_METADATA)
    except UndefinedTable:
        raise ConfigurationError(OTHER_PROGRAM.format(location=location)) from None
    return read_metadata(cursor.description, await cursor.fetchall(), location)


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


async def find_missing(connection: PostgresConnection) -> Mapping[SchemaObject, str]:
    """Return the tables, columns and indexes that are missing, and the statements for them."""
    names = await _find_names(connection, [created.name for created in schema(POSTGRES)])
    cursor = await connection.execute(_FIND_COLUMNS, ([*tables()],))
    return tables_of_kinds.find_missing(POSTGRES, names, {*await cursor.fetchall()})


async def find_invalid(connection: PostgresConnection) -> list[str]:
    """Return the names of indexes whose building failed, or has not ended."""
    existing = await _find_names(connection, [created.name for created in schema(POSTGRES)])
    return [name for name, is_valid in existing.items() if not is_valid]


async def _find_names(connection: PostgresConnection, names: Collection[str]) -> dict[str, bool]:
    cursor = await connection.execute(_FIND_NAMES, ([*names],))
    return dict(await cursor.fetchall())


@dataclass(frozen=True, slots=True)
class PostgresServersCheck:
    """Whether all servers of the URL respond: a silent one serves no instance."""

    database: PostgresDatabase

    async def check(self) -> None:
        if problem := describe_silent(self.database.sessions.url.parameters):
            raise StorageUnavailable(problem)


@dataclass(frozen=True, slots=True)
class PostgresHealthCheck:
    """Writes to the metadata, since a standby can be read."""

    database: PostgresDatabase

    async def check(self) -> None:
        if self.database.deadlines.are_turns_taken:
            return
        if not await self.database.write(WRITE_CHECK):
            raise StorageUnavailable(EMPTIED)
