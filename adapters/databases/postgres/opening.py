"""Opening a database: its metadata, its tables and its two stores."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from adapters.databases.postgres.database import PostgresDatabase, open_pool
from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.driver import PostgresConnection, describe_silent
from adapters.databases.postgres.limit_store import PostgresLimitStore
from adapters.databases.postgres.metadata import (
    BUILD_TIMEOUT,
    PostgresHealthCheck,
    PostgresServersCheck,
    check,
    find_metadata,
    inspect,
    prepare_database,
)
from adapters.databases.postgres.opening_errors import errors_while_opening
from adapters.databases.postgres.record_store import PostgresRows, make_record_store
from adapters.databases.postgres.sessions import find_pooler
from adapters.databases.postgres.url import PostgresUrl, parse_url
from adapters.databases.records.database import CopyableDatabase, Database
from adapters.databases.sql.metadata_fields import SqlCopyMark, SqlKeyId


@dataclass(frozen=True, slots=True)
class Inspection:
    """The state of a database that could be opened.

    Attributes:
        schema_version: Its schema version, or None if it is new.
        is_pooled: Whether a connection pooler, such as PgBouncer, is in front of the server.
        silent: Which other servers of the URL do not respond, in words; empty without one.
    """

    schema_version: int | None
    is_pooled: bool
    silent: str = ""


@asynccontextmanager
async def open_postgres_database(url: str, key_fingerprint: str) -> AsyncIterator[Database]:
    """Open this database. Its tables are created if they are missing.

    Options of the URL are those of libpq, `pool_size` and `timeout`.
    """
    parsed = parse_url(url)
    async with connect(parsed) as connection:
        await prepare_database(connection, parsed.location, key_fingerprint)
    async with open_pool(parsed) as database:
        yield stores_in(database)


@asynccontextmanager
async def open_existing(
    url: str, key_fingerprint: str | None
) -> AsyncIterator[CopyableDatabase | None]:
    """Open a database as it is, also beside a service. Yield None if it is new."""
    parsed = parse_url(url)
    async with connect(parsed) as connection, connection.transaction():
        metadata = await check(connection, parsed.location, key_fingerprint, is_copy=True)
    async with open_pool(parsed) as database:
        yield None if metadata is None else _copyable(database, parsed.location)


@asynccontextmanager
async def open_to_copy(url: str, key_fingerprint: str) -> AsyncIterator[CopyableDatabase]:
    """Open a database. What is missing is created."""
    parsed = parse_url(url)
    async with connect(parsed) as connection:
        await prepare_database(connection, parsed.location, key_fingerprint, is_copy=True)
    async with open_pool(parsed) as database:
        yield _copyable(database, parsed.location)


async def inspect_database(url: str, key_fingerprint: str | None) -> Inspection:
    """Check whether `open_postgres_database` would succeed, without changing anything."""
    parsed = parse_url(url)
    async with connect(parsed, parsed.timeout_seconds) as connection:
        version = await inspect(connection, parsed.location, key_fingerprint)
        silent = describe_silent(parsed.parameters)
        return Inspection(version, connection.is_pooled, silent)


async def locate_missing(url: str) -> str | None:
    """Return where the database is if it has no metadata, otherwise None. Nothing is written."""
    parsed = parse_url(url)
    async with connect(parsed, parsed.timeout_seconds) as connection:
        metadata = await find_metadata(connection, parsed.location)
    return f"postgresql://{parsed.location}" if metadata is None else None


@asynccontextmanager
async def connect(
    url: PostgresUrl, seconds: float = BUILD_TIMEOUT
) -> AsyncIterator[PostgresConnection]:
    """Yield a connection of its own, which is aborted after some time.

    In the block, errors of the driver are ConfigurationError.
    """
    with errors_while_opening(url.location):
        connection = await PostgresConnection.connect(autocommit=True, **url.parameters)
        try:
            with connection.deadline(asyncio.get_running_loop().time() + seconds):
                await find_pooler(connection, url)
                yield connection
        finally:
            await connection.close()


def stores_in(database: PostgresDatabase) -> Database:
    """Return the stores over an open database."""
    return Database(
        records=make_record_store(database),
        limits=PostgresLimitStore(database),
        health=PostgresHealthCheck(database),
        read_time=lambda: _read_time(database),
        servers=PostgresServersCheck(database),
        newest_key=SqlKeyId(PostgresRows(database), POSTGRES),
    )


async def _read_time(database: PostgresDatabase) -> datetime:
    ((now,),) = await database.read("SELECT clock_timestamp()")
    return cast("datetime", now)


@asynccontextmanager
async def open_time(url: str) -> AsyncIterator[Callable[[], Awaitable[datetime]]]:
    """Yield what reads the time of a database that need not be one of this service."""
    async with open_pool(parse_url(url)) as database:
        yield lambda: _read_time(database)


def _copyable(database: PostgresDatabase, location: str) -> CopyableDatabase:
    rows, records = PostgresRows(database), make_record_store(database)
    mark, newest_key = SqlCopyMark(rows, POSTGRES), SqlKeyId(rows, POSTGRES)
    return CopyableDatabase(f"postgresql://{location}", records, mark, newest_key)
