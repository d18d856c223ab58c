"""The two stores over one SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.records.database import Database
from adapters.sqlite.database import open_database
from adapters.sqlite.limit_store import SqliteLimitStore
from adapters.sqlite.record_store import make_record_store


@asynccontextmanager
async def open_sqlite_database(path: Path, key_fingerprint: str) -> AsyncIterator[Database]:
    """Open a file, which is created if it is missing.

    At the end of the block, operations that have begun are finished, and the file is complete
    without its log.

    Raises:
        ConfigurationError: The file cannot be used; the message is for the operator.
    """
    async with open_database(path, key_fingerprint) as database:
        limits = SqliteLimitStore(database)
        try:
            yield Database(make_record_store(database), limits, health=database)
        finally:
            await limits.finish()
