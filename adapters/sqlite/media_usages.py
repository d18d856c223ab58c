"""What users have in the library, in SQLite."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.versioned import Versioned
from domain.media.usage import MediaUsage

_DUE: Final = "WHERE recount_at <= ? ORDER BY recount_at LIMIT ?"


@dataclass(frozen=True, slots=True)
class SqliteMediaUsages:
    """Usages by the id of the user."""

    table: RecordTable[MediaUsage]

    async def load(self, owner_id: str) -> Versioned[MediaUsage] | None:
        """Load the usage, or return None."""
        return await self.table.load(owner_id)

    async def add(self, usage: MediaUsage) -> bool:
        """Add the usage at version 1, unless its id is taken."""
        return await self.table.add(usage.id, usage)

    async def replace(self, usage: MediaUsage, version: int) -> bool:
        """Replace the usage if it has this version."""
        return await self.table.replace(usage.id, usage, version)

    async def delete(self, owner_id: str, version: int) -> bool:
        """Delete the usage if it has this version."""
        return await self.table.delete(owner_id, version)

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages that are due to be counted anew."""
        return await self.table.list(_DUE, (to_column(now), limit))
