from dataclasses import dataclass
from typing import Final

from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection, Raw
from adapters.mongo.point_reads import PointReads
from adapters.mongo.stored import Stored
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem

ITEM: Final = Stored(MediaItem)


@dataclass(frozen=True, slots=True)
class MongoMediaItems:
    """The records of the library."""

    database: Database
    collection: MotorCollection
    reads: PointReads
    reads_by_key: PointReads

    async def add(self, item: MediaItem) -> None:
        await self.database.answer(self.collection.insert_one(_document(item, 1)))

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        document = await self.reads.one(item_id)
        return ITEM.versioned(document) if document else None

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        document = await self.reads_by_key.one(storage_key)
        return ITEM.value(document) if document else None

    async def replace(self, item: MediaItem, version: int) -> bool:
        document = _document(item, version + 1)
        replaced = await self.database.answer(
            self.collection.replace_one({"_id": item.id, "version": version}, document)
        )
        return replaced.matched_count == 1

    async def delete(self, item_id: str, version: int) -> bool:
        removed = await self.database.answer(
            self.collection.delete_one({"_id": item_id, "version": version})
        )
        return removed.deleted_count == 1


def _document(item: MediaItem, version: int) -> Raw:
    return ITEM.document(
        item,
        version,
        kind=item.kind,
        shown=item.created_at if item.state is ItemState.READY else None,
        leased=item.upload_deadline if item.state is ItemState.PENDING else None,
    )
