from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.body import micros
from adapters.sqlite.database import Database
from adapters.sqlite.media_items import BODY
from application.ports.versioned import Versioned
from domain.media.item import MediaItem

_OWNED_BY: Final = """
SELECT version, body FROM media_items
WHERE owner = ? AND doomed IS NULL LIMIT ?
"""

_ABANDONED: Final = """
SELECT version, body FROM media_items
WHERE leased <= ? ORDER BY leased LIMIT ?
"""

_DOOMED_BEFORE: Final = """
SELECT version, body FROM media_items
WHERE doomed <= ? ORDER BY doomed LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SqliteMediaLeftovers:
    """What the sweeper has to see to, each question a range of an index of its own."""

    database: Database

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        return await self._items(_OWNED_BY, owner_id, limit)

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        return await self._items(_ABANDONED, micros(now), limit)

    async def list_deleting(self, doomed: datetime, limit: int) -> Sequence[Versioned[MediaItem]]:
        return await self._items(_DOOMED_BEFORE, micros(doomed), limit)

    async def _items(self, sql: str, *values: object) -> Sequence[Versioned[MediaItem]]:
        return [BODY.versioned(*row) for row in await self.database.rows(sql, values)]
