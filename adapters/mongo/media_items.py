"""Library items in MongoDB: single items, pages, and those that need a cleanup."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import DESCENDING

from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.documents import MediaItemDocument
from adapters.mongo.driver import RawDocument
from adapters.mongo.record_collection import RecordCollection
from application.ports.errors import StorageUnavailable
from application.ports.media_items import PageItem
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor


@dataclass(frozen=True, slots=True)
class MongoMediaItems:
    """Library items by id and by storage key."""

    records: RecordCollection[MediaItem]
    storage_key_loader: DocumentLoader

    async def add(self, item: MediaItem) -> None:
        """Add a new item at version 1."""
        if not await self.records.add(item.id, item):
            raise StorageUnavailable("an item has the same id")

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Return the item in any state, or None."""
        return await self.records.load(item_id)

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        """Return the item with this storage key in any state, or None."""
        document = await self.storage_key_loader.load(storage_key)
        return self.records.read(document).value if document else None

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Replace the item if it has this version."""
        return await self.records.replace(item.id, item, version)

    async def delete(self, item_id: str, version: int) -> bool:
        """Delete the item if it has this version."""
        return await self.records.delete(item_id, version)


@dataclass(frozen=True, slots=True)
class MongoMediaPages:
    """Ready items; each combination of filters has an index in the order of the pages."""

    records: RecordCollection[MediaItem]
    deleted_owners: DocumentLoader

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[PageItem]:
        """Return ready items, the newest first, after the first `offset`."""
        if not offset:
            return await self._list(item_filter, {}, limit)
        # With skip, MongoDB reads the documents that it skips. Only the index is read here.
        last = await self._find(
            _ready(item_filter), 1, skip=offset - 1, projection={"_id": 1, "created_at": 1}
        )
        if not last:
            return []
        cursor = Cursor(last[0]["created_at"], last[0]["_id"])
        return await self.list_after(item_filter, cursor, limit)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[PageItem]:
        """Return ready items in the same order, after this position."""
        # The first bound is where the scan of the index begins; the second excludes those of the
        # same moment that come before. The second alone would need two scans.
        after = {
            "created_at": {"$lte": cursor.created_at},
            "$or": [{"created_at": {"$lt": cursor.created_at}}, {"_id": {"$lt": cursor.id}}],
        }
        return await self._list(item_filter, after, limit)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Return how many ready items there are, at most `limit`."""
        database, query = self.records.database, _ready(item_filter)
        collection = database.collection(MediaItemDocument)
        return await database.run(lambda: collection.count_documents(query, limit=limit))

    async def _list(
        self, item_filter: ItemFilter, after: RawDocument, limit: int
    ) -> Sequence[PageItem]:
        finding = self._find({**_ready(item_filter), **after}, limit)
        if item_filter.owner_id is not None:
            # At the same time: there is only one owner.
            documents, deleted = await asyncio.gather(
                finding, self.deleted_owners.load_many([item_filter.owner_id])
            )
            items = [self.records.read(document).value for document in documents]
        else:
            items = [self.records.read(document).value for document in await finding]
            deleted = await self.deleted_owners.load_many({item.owner_id for item in items})
        return [PageItem(item, item.owner_id in deleted) for item in items]

    async def _find(
        self,
        query: RawDocument,
        limit: int,
        skip: int = 0,
        projection: dict[str, int] | None = None,
    ) -> list[RawDocument]:
        database = self.records.database
        collection = database.collection(MediaItemDocument)
        cursor = collection.find(query, projection, skip=skip, limit=limit)
        newest_first = cursor.sort([("created_at", DESCENDING), ("_id", DESCENDING)])
        return await database.run(lambda: newest_first.to_list(None))


@dataclass(frozen=True, slots=True)
class MongoMediaCleanup:
    """Items for the cleanup; each query is a range of an index."""

    records: RecordCollection[MediaItem]

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items of this owner whose deletion was not requested."""
        query = MediaItemDocument.find({"owner_id": owner_id, "deletion_requested_at": None})
        return await self.records.list(query, limit)

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready item of this owner."""
        ready = {"owner_id": owner_id, "state": ItemState.READY.value}
        found = await self._project(ready, {"image.bytes": 1})
        return {item["_id"]: item["image"]["bytes"] for item in found}

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """Return the ids of this owner's items whose deletion was requested after this time."""
        query = {"owner_id": owner_id, "deletion_requested_at": {"$gt": requested_after}}
        return [item["_id"] for item in await self._project(query, {"_id": 1})]

    async def _project(self, query: RawDocument, projection: dict[str, int]) -> list[RawDocument]:
        database = self.records.database
        found = self.records.collection.find(query, projection)
        return await database.run(lambda: found.to_list(None))

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` pending items after their upload deadline."""
        pending = {"state": ItemState.PENDING.value, "upload_deadline": {"$lte": now}}
        return await self.records.list(
            MediaItemDocument.find(pending).sort("upload_deadline"), limit
        )

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose deletion was requested by then."""
        query = MediaItemDocument.find({"deletion_requested_at": {"$lte": requested_before}})
        return await self.records.list(query.sort("deletion_requested_at"), limit)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose file the store refused to delete."""
        refused = {"state": ItemState.DELETION_REFUSED.value}
        return await self.records.list(MediaItemDocument.find(refused).sort("created_at"), limit)


def _ready(item_filter: ItemFilter) -> RawDocument:
    filters = {
        "owner_id": item_filter.owner_id,
        "kind": item_filter.kind and item_filter.kind.value,
        "category": item_filter.category,
    }
    present = {name: value for name, value in filters.items() if value is not None}
    return {"state": ItemState.READY.value, **present}
