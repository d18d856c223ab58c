import asyncio
from dataclasses import dataclass
from typing import Final

from adapters.sqlite.database import Database
from application.ports.errors import StorageUnavailable

PATIENCE: Final = 3.0

_READ: Final = "SELECT value FROM meta WHERE name = 'probes'"
_WRITE: Final = "UPDATE meta SET value = value + 1 WHERE name = 'probes'"


@dataclass(frozen=True, slots=True)
class SqliteProbe:
    """Reads and writes a row, since a full or read-only disk can still be read."""

    database: Database
    patience: float = PATIENCE

    async def check(self) -> None:
        try:
            async with asyncio.timeout(self.patience):
                await self.database.rows(_READ)
                await self.database.changed(_WRITE)
        except TimeoutError:
            raise StorageUnavailable(f"no answer within {self.patience:g} seconds") from None
