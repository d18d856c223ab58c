from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie.odm.queries.find import FindMany

from adapters.mongo.database import Database
from adapters.mongo.documents import MediaItemDocument
from adapters.mongo.media_items import ITEM
from application.ports.versioned import Versioned
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class MongoMediaLeftovers:
    """What the sweeper has to see to, each question a range of an index of its own."""

    database: Database

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        return await self._items(MediaItemDocument.find({"owner": owner_id, "doomed": None}), limit)

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        over = MediaItemDocument.find({"leased": {"$lte": now}})
        return await self._items(over.sort("leased"), limit)

    async def list_deleting(self, doomed: datetime, limit: int) -> Sequence[Versioned[MediaItem]]:
        due = MediaItemDocument.find({"doomed": {"$lte": doomed}})
        return await self._items(due.sort("doomed"), limit)

    async def _items(self, question: FindMany[Any], limit: int) -> Sequence[Versioned[MediaItem]]:
        return [ITEM.versioned(found) for found in await self.database.found(question, limit)]
