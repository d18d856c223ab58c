"""Library items in MongoDB: single items, pages, and those that need a cleanup."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import DESCENDING

from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.documents import MediaItemDocument
from adapters.mongo.driver import RawDocument
from adapters.mongo.record_collection import RecordCollection
from application.ports.errors import StorageUnavailable
from application.ports.media_items import PageItem
from application.ports.versioned import Versioned
from domain.media.image import MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor

_OWNER_INDEX: Final = "media_items_owner_id"
_OWNER_CATEGORY_INDEX: Final = "media_items_owner_id_category"
_DELETING: Final = [ItemState.DELETING.value, ItemState.DELETION_REFUSED.value]


@dataclass(frozen=True, slots=True)
class MongoMediaItems:
    """Library items by id."""

    records: RecordCollection[MediaItem]

    async def add(self, item: MediaItem) -> None:
        """Add a new item at version 1."""
        if not await self.records.add(item.id, item):
            raise StorageUnavailable("an item has the same id")

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Return the item in any state, or None."""
        return await self.records.load(item_id)

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Replace the item if it has this version."""
        return await self.records.replace(item.id, item, version)

    async def delete(self, item_id: str, version: int) -> bool:
        """Delete the item if it has this version."""
        return await self.records.delete(item_id, version)


@dataclass(frozen=True, slots=True)
class MongoMediaPages:
    """Ready items. Each combination of filters has an index; a page reads one or two ranges of it.

    Commands name the index, because MongoDB would keep a plan that was good for another owner.
    """

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
            item_filter, {}, 1, skip=offset - 1, projection={"_id": 1, "created_at": 1}
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
        return await database.run(
            lambda: collection.count_documents(query, limit=limit, hint=_index_of(item_filter))
        )

    async def _list(
        self, item_filter: ItemFilter, after: RawDocument, limit: int
    ) -> Sequence[PageItem]:
        finding = self._find(item_filter, after, limit)
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
        item_filter: ItemFilter,
        after: RawDocument,
        limit: int,
        skip: int = 0,
        projection: dict[str, int] | None = None,
    ) -> list[RawDocument]:
        database = self.records.database
        collection = database.collection(MediaItemDocument)
        query = {**_ready(item_filter), **after}
        hint = _index_of(item_filter)
        cursor = collection.find(query, projection, skip=skip, limit=limit, hint=hint)
        newest_first = cursor.sort([("created_at", DESCENDING), ("_id", DESCENDING)])
        return await database.run(lambda: newest_first.to_list(None))


@dataclass(frozen=True, slots=True)
class MongoMediaCleanup:
    """Items for the cleanup; each query is a range of an index."""

    records: RecordCollection[MediaItem]

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items of this owner whose deletion was not requested."""
        states = [ItemState.PENDING.value, ItemState.READY.value]
        query = {"owner_id": owner_id, "state": {"$in": states}}
        return await self.records.list(MediaItemDocument.find(query, hint=_OWNER_INDEX), limit)

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items in any state after this id."""
        query = MediaItemDocument.find({"_id": {"$gt": after_id}}).sort("_id")
        return await self.records.list(query, limit)

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready item of this owner."""
        ready = {"owner_id": owner_id, "state": ItemState.READY.value}
        found = await self._project(ready, {"image.bytes": 1})
        return {item["_id"]: item["image"]["bytes"] for item in found}

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """Return the ids of this owner's items whose deletion was requested after this time."""
        requested = {"deletion_requested_at": {"$gt": requested_after}}
        query = {"owner_id": owner_id, "state": {"$in": _DELETING}, **requested}
        return [item["_id"] for item in await self._project(query, {"_id": 1})]

    async def _project(self, query: RawDocument, projection: dict[str, int]) -> list[RawDocument]:
        database = self.records.database
        collection = database.collection(MediaItemDocument)
        found = collection.find(query, projection, hint=_OWNER_INDEX)
        return await database.run(lambda: found.to_list(None))

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` pending items after their upload deadline."""
        pending = {"state": ItemState.PENDING.value, "cleanup_at": {"$lte": now}}
        return await self.records.list(MediaItemDocument.find(pending).sort("cleanup_at"), limit)

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose deletion was requested by then."""
        query = {"state": {"$in": _DELETING}, "cleanup_at": {"$lte": requested_before}}
        return await self.records.list(MediaItemDocument.find(query).sort("cleanup_at"), limit)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose file the store refused to delete."""
        refused = {"state": ItemState.DELETION_REFUSED.value, "cleanup_at": {"$exists": True}}
        return await self.records.list(MediaItemDocument.find(refused).sort("cleanup_at"), limit)


def _ready(item_filter: ItemFilter) -> RawDocument:
    kinds = MediaKind if item_filter.kind is None else [item_filter.kind]
    filters = {"owner_id": item_filter.owner_id, "category": item_filter.category}
    present = {name: value for name, value in filters.items() if value is not None}
    return {
        "state": ItemState.READY.value,
        "kind": {"$in": [kind.value for kind in kinds]},
        **present,
    }


def _index_of(item_filter: ItemFilter) -> str:
    if item_filter.category is not None:
        return "media_items_category" if item_filter.owner_id is None else _OWNER_CATEGORY_INDEX
    return "media_items_kind" if item_filter.owner_id is None else _OWNER_INDEX
