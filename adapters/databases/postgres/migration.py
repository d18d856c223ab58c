"""A job of an operator: show or create what a start would create, while services run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg
from psycopg.errors import LockNotAvailable, UniqueViolation

from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.metadata import (
    BUILD_TIMEOUT,
    LOCK_ID,
    check,
    check_rejected_index,
    find_invalid,
    find_missing,
    prepare_database,
)
from adapters.databases.postgres.opening import connect
from adapters.databases.postgres.url import PostgresUrl, parse_url
from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.schema_plan import DUPLICATES, ReportBuild, SchemaObject, SchemaPlan
from adapters.databases.sql.schema import find_undeclared, schema, select_duplicates
from application.ports.errors import ConfigurationError
from application.tasks import start_task

_PROGRESS_INTERVAL: Final = 1.0
_MIGRATION_LOCK_ID: Final = LOCK_ID + 1
"""Id of the advisory lock for one migration at a time."""
_ANOTHER: Final = "Another `dialtone migrate` changes {location} now: wait until it has ended."
_TABLE_IN_USE: Final = (
    "{location} has a transaction that uses a table for a long time, as pg_dump does: wait until "
    "it has ended, and start the command again."
)
# Not the lock of a start: it would wait for this lock in a transaction, which CREATE INDEX
# CONCURRENTLY waits for.
_TRY_LOCK: Final = f"SELECT pg_try_advisory_xact_lock({_MIGRATION_LOCK_ID})"
# In this transaction no statement keeps a snapshot, which CREATE INDEX CONCURRENTLY waits for.
_ISOLATION: Final = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
_NO_TIMEOUT: Final = "SET LOCAL idle_in_transaction_session_timeout = 0"
_LOCK_START: Final = f"SELECT pg_advisory_xact_lock({LOCK_ID})"
_LIMIT_STATEMENTS: Final = f"SET statement_timeout = '{BUILD_TIMEOUT:.0f}s'"
# All requests of the table wait behind a statement that waits.
_LIMIT_LOCKS: Final = "SET LOCAL lock_timeout = '2s'"
_FIND_OTHERS: Final = """
SELECT 'index', index.relname, tables.relname, attnames.names, indisunique
FROM pg_index
JOIN pg_class AS index ON index.oid = indexrelid
JOIN pg_class AS tables ON tables.oid = indrelid
JOIN pg_namespace ON pg_namespace.oid = tables.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(attname::text ORDER BY attnum), '{}') AS names
    FROM pg_attribute WHERE attrelid = indexrelid
) AS attnames
WHERE nspname = current_schema() AND tables.relname = ANY(%s) AND NOT indisprimary
UNION ALL
SELECT 'column', attname, relname, '{}', false
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = current_schema() AND relname = ANY(%s) AND attnum > 0 AND NOT attisdropped
ORDER BY 3, 1, 2
"""
_FIND_PROGRESS: Final = """
SELECT is_waiting,
    CASE WHEN is_waiting THEN lockers_done ELSE blocks_done + tuples_done END,
    CASE WHEN is_waiting THEN lockers_total ELSE blocks_total + tuples_total END
FROM pg_stat_progress_create_index
CROSS JOIN LATERAL (SELECT phase LIKE 'waiting%%') AS phases (is_waiting)
WHERE datname = current_database() AND index_relid = to_regclass(%s)
"""


async def plan_migration(url: str, key_fingerprint: str | None) -> SchemaPlan:
    """Return what a start would change. Nothing is written."""
    parsed = parse_url(url)
    async with (
        connect(parsed, parsed.timeout_seconds) as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute("SET TRANSACTION READ ONLY")
        is_new = await check(connection, parsed.location, key_fingerprint) is None
        return await _find_plan(connection, is_new=is_new)


async def migrate(url: str, key_fingerprint: str, report: ReportBuild) -> SchemaPlan:
    """Create what a start would create, and return what that was. Services may run and write.

    A killed migration leaves at most one index that is invalid; the next one creates it again.
    """
    parsed = parse_url(url)
    async with _lock(parsed), connect(parsed) as connection:
        # No index is built concurrently in a transaction, so the session has to keep this.
        if not connection.is_pooled:
            await connection.execute(_LIMIT_STATEMENTS)
        async with connection.transaction():
            is_new = await check(connection, parsed.location, key_fingerprint) is None
        plan = await _find_plan(connection, is_new=is_new)
        if not is_new:
            for invalid in plan.dropped:
                await connection.execute(f"DROP INDEX CONCURRENTLY {invalid.name}")
            await _create_tables(connection, parsed.location, report)
            for index, statement in (await find_missing(connection)).items():
                await _build(connection, parsed, index, statement, report)
        # As a start does, which has nothing to create anymore: may the user write?
        await prepare_database(connection, parsed.location, key_fingerprint)
        return plan


@asynccontextmanager
async def _lock(url: PostgresUrl) -> AsyncIterator[None]:
    """Keep other migrations away, with a transaction of a connection of its own.

    A pooler would give a session and its locks to others.

    Raises:
        ConfigurationError: Another one runs.
    """
    async with connect(url) as connection, connection.transaction(force_rollback=True):
        await connection.execute(_ISOLATION)
        await connection.execute(_NO_TIMEOUT)
        if not await _is_true(connection, _TRY_LOCK):
            raise ConfigurationError(_ANOTHER.format(location=url.location))
        yield


async def _find_plan(connection: PostgresConnection, *, is_new: bool) -> SchemaPlan:
    kinds = [kind.name for kind in stored_kinds()]
    cursor = await connection.execute(_FIND_OTHERS, (kinds, kinds))
    found = [
        SchemaObject(sort, name, table, tuple(fields), is_unique)
        for sort, name, table, fields, is_unique in await cursor.fetchall()
    ]
    invalid = await find_invalid(connection)
    dropped = [
        SchemaObject("invalid index", index.name, index.table, index.fields)
        for index in found
        if index.name in invalid
    ]
    undeclared = find_undeclared(POSTGRES, found)
    rebuilt = [created for created in schema(POSTGRES) if created.name in invalid]
    missing = [*await find_missing(connection), *rebuilt]
    return SchemaPlan(is_new, missing, dropped, undeclared)


async def _create_tables(
    connection: PostgresConnection, location: str, report: ReportBuild
) -> None:
    """Create missing tables with their indexes, and add missing columns, all or nothing."""
    try:
        async with connection.transaction():
            await connection.execute(_LOCK_START)
            await connection.execute(_LIMIT_LOCKS)
            missing = await find_missing(connection)
            new_tables = {created.name for created in missing if created.sort == "table"}
            for created, statement in missing.items():
                if created.sort != "index" or created.table in new_tables:
                    report(created)
                    await connection.execute(statement)
    except LockNotAvailable:
        raise ConfigurationError(_TABLE_IN_USE.format(location=location)) from None


async def _build(
    connection: PostgresConnection,
    url: PostgresUrl,
    index: SchemaObject,
    statement: str,
    report: ReportBuild,
) -> None:
    # A start of this version may have created it meanwhile.
    concurrently = statement.replace("INDEX", "INDEX CONCURRENTLY IF NOT EXISTS", 1)
    report(index)
    try:
        async with _reported(url, index, report):
            await connection.execute(concurrently)
    except UniqueViolation:
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
        raise ConfigurationError(await _describe_duplicates(connection, url, index)) from None
    except psycopg.Error as error:
        check_rejected_index(error, url.location, index)
        raise


@asynccontextmanager
async def _reported(
    url: PostgresUrl, index: SchemaObject, report: ReportBuild
) -> AsyncIterator[None]:

    async def watch() -> None:
        async with connect(url) as watching:
            while True:
                await asyncio.sleep(_PROGRESS_INTERVAL)
                cursor = await watching.execute(_FIND_PROGRESS, (index.name,))
                for is_waiting, done, total in await cursor.fetchall():
                    report(index, done, total, is_waiting=is_waiting)

    task = start_task("report_index", watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ConfigurationError):
            await task


async def _describe_duplicates(
    connection: PostgresConnection, url: PostgresUrl, index: SchemaObject
) -> str:
    query = select_duplicates(index)
    counting = f"SELECT count(*) FROM ({query}) AS duplicates"  # noqa: S608 -- our text
    cursor = await connection.execute(counting)
    [(count,)] = await cursor.fetchall()
    return DUPLICATES.format(
        location=url.location, name=index.name, count=count, table=index.table, query=query
    )


async def _is_true(connection: PostgresConnection, query: str) -> bool:
    cursor = await connection.execute(query)
    [(is_true,)] = await cursor.fetchall()
    return bool(is_true)
