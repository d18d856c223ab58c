from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from beanie.odm.queries.find import FindMany

from adapters.mongo.database import Database
from adapters.mongo.documents import MediaItemDocument
from adapters.mongo.media_items import ITEM
from domain.media.item import MediaItem
from domain.media.page import Cursor, ItemFilter

_LARGEST_OFFSET: Final = 2**62
# A comparison, not $exists: that an index answers alone, when only counting is asked for.
_ANYWHERE: Final = {"shown": {"$gte": datetime.min.replace(tzinfo=UTC)}}


@dataclass(frozen=True, slots=True)
class MongoMediaPages:
    """Ready items; each way of choosing them has an index in the order of the pages."""

    database: Database

    async def list_page(self, chosen: ItemFilter, offset: int, limit: int) -> Sequence[MediaItem]:
        # A page number has no upper bound, MongoDB's integers do.
        question = _ready(chosen).skip(min(offset, _LARGEST_OFFSET))
        return await self._newest_first(question, limit)

    async def list_after(
        self, chosen: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        # The bound says where the scan of the index begins, the choice only which of those that
        # were created at that same moment are behind it: alone it would be two scans.
        behind = {
            "shown": {"$lte": cursor.created_at},
            "$or": [{"shown": {"$lt": cursor.created_at}}, {"_id": {"$lt": cursor.id}}],
        }
        return await self._newest_first(_ready(chosen, behind), limit)

    async def count(self, chosen: ItemFilter) -> int:
        return await self.database.answer(_ready(chosen).count())

    async def _newest_first(self, question: FindMany[Any], limit: int) -> Sequence[MediaItem]:
        ordered = question.sort("-shown", "-_id")
        return [ITEM.value(found) for found in await self.database.found(ordered, limit)]


def _ready(chosen: ItemFilter, place: Mapping[str, Any] = _ANYWHERE) -> FindMany[Any]:
    members = {"owner": chosen.owner_id, "kind": chosen.kind, "category": chosen.category}
    wanted = {name: value for name, value in members.items() if value is not None}
    return MediaItemDocument.find({**wanted, **place})
