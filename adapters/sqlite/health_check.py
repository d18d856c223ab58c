"""The health check of the database."""

import asyncio
from dataclasses import dataclass
from typing import Final

from adapters.sqlite.database import WRITE_CHECK, Database
from application.ports.errors import StorageTimeout

HEALTH_CHECK_TIMEOUT: Final = 3.0
"""Seconds."""

_READ: Final = "SELECT value FROM metadata WHERE name = 'health_check_count'"


@dataclass(frozen=True, slots=True)
class SqliteHealthCheck:
    """Reads and writes a row: a full or read-only disk can still be read."""

    database: Database

    async def check(self) -> None:
        """Return if the database can be read and written within the timeout."""
        try:
            async with asyncio.timeout(HEALTH_CHECK_TIMEOUT):
                await asyncio.gather(
                    self.database.read_rows(_READ), self.database.execute(WRITE_CHECK)
                )
        except TimeoutError:
            raise StorageTimeout(f"no response within {HEALTH_CHECK_TIMEOUT:g} seconds") from None
