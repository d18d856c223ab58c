from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from beanie.odm.queries.find import FindMany

from adapters.mongo.database import Database
from adapters.mongo.documents import MediaItemDocument
from adapters.mongo.media_items import ITEM
from domain.media.item import MediaItem
from domain.media.page import ItemFilter

_LARGEST_OFFSET: Final = 2**62
_FIRST_DAY: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MongoMediaPages:
    """Ready items; each way of choosing them has an index in the order of the pages."""

    database: Database

    async def read(self, chosen: ItemFilter, offset: int, limit: int) -> Sequence[MediaItem]:
        # A page number has no upper bound, MongoDB's integers do.
        newest_first = _ready(chosen).sort("-shown", "-_id").skip(min(offset, _LARGEST_OFFSET))
        return [ITEM.value(found) for found in await self.database.found(newest_first, limit)]

    async def count(self, chosen: ItemFilter) -> int:
        return await self.database.answer(_ready(chosen).count())


def _ready(chosen: ItemFilter) -> FindMany[Any]:
    members = {"owner": chosen.owner, "kind": chosen.kind, "category": chosen.category}
    wanted = {name: value for name, value in members.items() if value is not None}
    # A comparison, not $exists: that an index answers alone, when only counting is asked for.
    return MediaItemDocument.find({**wanted, "shown": {"$gte": _FIRST_DAY}})
