"""The two stores over one SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.databases.records.database import CopyableDatabase, Database
from adapters.databases.sql.metadata_fields import SqlCopyMark, SqlKeyId
from adapters.databases.sqlite.database import (
    SqliteDatabase,
    check_alone,
    inspect_file,
    is_present,
    open_database,
)
from adapters.databases.sqlite.dialect import SQLITE
from adapters.databases.sqlite.limit_store import SqliteLimitStore
from adapters.databases.sqlite.record_store import SqliteRows, make_record_store
from adapters.databases.sqlite.schema import find_metadata
from adapters.databases.sqlite.stored_keys import connect_to_read


@asynccontextmanager
async def open_sqlite_database(path: Path, key_fingerprint: str) -> AsyncIterator[Database]:
    """Open a file, which is created if it is missing.

    At the end of the block, operations that have begun are finished, and the file is complete
    without its log.
    """
    async with open_database(path, key_fingerprint) as database:
        limits = SqliteLimitStore(database)
        try:
            yield Database(
                make_record_store(database),
                limits,
                health=database,
                newest_key=SqlKeyId(SqliteRows(database), SQLITE),
            )
        finally:
            await limits.finish()


@asynccontextmanager
async def open_existing(
    path: Path, key_fingerprint: str | None
) -> AsyncIterator[CopyableDatabase | None]:
    """Open a file as it is, also beside a service. Yield None if it is new."""
    if inspect_file(path, key_fingerprint, is_copy=True) is None:
        yield None
        return
    async with open_database(path, None) as database:
        yield _copyable(database, path)


@asynccontextmanager
async def open_to_copy(path: Path, key_fingerprint: str) -> AsyncIterator[CopyableDatabase]:
    """Open a file that nothing else uses. What is missing is created."""
    if is_present(path):
        check_alone(path)
    async with open_database(path, key_fingerprint, is_copy=True) as database:
        yield _copyable(database, path)


async def locate_missing(path: Path) -> str | None:
    """Return where the file is if it is missing or empty, otherwise None. Nothing is written."""
    if not is_present(path):
        return str(path)
    with connect_to_read(path) as connection:
        return str(path) if find_metadata(connection, path) is None else None


def _copyable(database: SqliteDatabase, path: Path) -> CopyableDatabase:
    rows = SqliteRows(database)
    mark, newest_key = SqlCopyMark(rows, SQLITE), SqlKeyId(rows, SQLITE)
    return CopyableDatabase(f"sqlite:///{path}", make_record_store(database), mark, newest_key)
