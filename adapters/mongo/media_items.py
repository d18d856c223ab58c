"""Library items in MongoDB: single items, pages, and those that need a cleanup."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any, Final

from beanie.odm.queries.find import FindMany
from pymongo import DESCENDING, DeleteOne, ReplaceOne

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.database import Database
from adapters.mongo.documents import IdentityDocument, MediaItemDocument
from adapters.mongo.driver import MotorCollection, RawDocument
from adapters.mongo.mapping.media_items import STORED_ITEM_STATES, STORED_MEDIA_KINDS
from adapters.mongo.media_item_changes import MediaItemChanges
from adapters.mongo.record_mapping import RecordMapping
from application.ports.media_items import PageItem
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor
from domain.values import dataclass

# The items of a page become one document, because one lookup of all owners takes less than half as
# long as a lookup for each item. After $group, MongoDB 6 plans the page for another engine, which
# takes longer and sometimes reads two ranges of the index.
_WITH_DELETED_OWNERS: Final[Sequence[RawDocument]] = (
    {"$facet": {"items": [{"$match": {}}]}},
    {
        "$lookup": {
            "from": IdentityDocument.Settings.name,
            "localField": "items.owner_id",
            "foreignField": "_id",
            "pipeline": [{"$match": {"deleted_at": {"$exists": True}}}, {"$project": {"_id": 1}}],
            "as": "deleted_owners",
        }
    },
)


@dataclass(frozen=True, slots=True)
class MongoMediaItems:
    """Library items by id and by storage key."""

    database: Database
    collection: MotorCollection
    loader: DocumentLoader
    storage_key_loader: DocumentLoader
    changes: MediaItemChanges
    mapping: RecordMapping[MediaItem]

    async def add(self, item: MediaItem) -> None:
        """Save a new item."""
        await self.database.run(lambda: self.collection.insert_one(self.mapping.encode(item, 1)))
        if item.is_ready:
            await self.changes.add()

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Return the item in any state, or None."""
        document = await self.loader.load(item_id)
        return self.mapping.decode(document) if document else None

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        """Return the item with this storage key in any state, or None."""
        document = await self.storage_key_loader.load(storage_key)
        return self.mapping.decode(document).value if document else None

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Save the item if the stored one has this version."""
        replacement = ReplaceOne(
            {"_id": item.id, "version": int(version)}, self.mapping.encode_successor(item, version)
        )
        # MongoDB tells only how many of the statements have found their document. With two that
        # find the same one, if it exists, an odd number means that the item was found.
        number = self.changes.statement
        result = await self.database.run(
            lambda: self.collection.bulk_write([replacement, number, number])
        )
        return result.matched_count % 2 == 1

    async def delete(self, item_id: str, version: int) -> bool:
        """Delete the item if the stored one has this version."""
        deletion = DeleteOne({"_id": item_id, "version": int(version)})
        result = await self.database.run(
            lambda: self.collection.bulk_write([deletion, self.changes.statement])
        )
        return result.deleted_count == 1


class MongoMediaPages:
    """Ready items; each combination of filters has an index in the order of the pages."""

    def __init__(
        self,
        database: Database,
        collection: MotorCollection,
        changes: MediaItemChanges,
        mapping: RecordMapping[MediaItem],
    ) -> None:
        """Read with the options of the collection."""
        self._database = database
        self._collection = database.in_event_loop(collection)
        self._changes = changes
        self._mapping = mapping

    def last_change(self) -> Awaitable[int | None]:
        """Return the number of the last change of an item, or deletion of an identity."""
        return self._changes.find_last()

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[PageItem]:
        """Return ready items, the newest first, after the first `offset`."""
        if not offset:
            return await self._list(_ready(item_filter), limit)
        # With skip, MongoDB reads the documents that it skips. Only the index is read here.
        skipped = self._database.collection(MediaItemDocument).find(
            _ready(item_filter), {"_id": 1, "created_at": 1}
        )
        newest_first = skipped.sort([("created_at", DESCENDING), ("_id", DESCENDING)])
        last = await self._database.run(lambda: newest_first.skip(offset - 1).limit(1).to_list(1))
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
        return await self._list({**_ready(item_filter), **after}, limit)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Return how many ready items there are, at most `limit`."""
        # Twice as fast as the aggregation that the driver sends: it only walks along the index.
        command = {
            "count": MediaItemDocument.Settings.name,
            "query": _ready(item_filter),
            "limit": limit,
            "readConcern": {"level": "majority"},
        }
        # The driver does not repeat a command that an election interrupts.
        result = await self._database.run(
            lambda: self._database.read_batch(lambda: self._database.asynchronous.command(command))
        )
        return int(result["n"])

    async def _list(self, query: RawDocument, limit: int) -> Sequence[PageItem]:
        pipeline: list[RawDocument] = [
            {"$match": query},
            {"$sort": {"created_at": DESCENDING, "_id": DESCENDING}},
            {"$limit": limit},
            *_WITH_DELETED_OWNERS,
        ]
        return await self._database.run(lambda: self._aggregate(pipeline))

    async def _aggregate(self, pipeline: Sequence[RawDocument]) -> Sequence[PageItem]:
        cursor = await self._collection.aggregate(pipeline)
        [page] = await cursor.to_list()
        return self._decode(page)

    def _decode(self, page: RawDocument) -> Sequence[PageItem]:
        deleted = {owner["_id"] for owner in page["deleted_owners"]}
        items = [self._mapping.decode(document).value for document in page["items"]]
        return [PageItem(item, item.owner_id in deleted) for item in items]


@dataclass(frozen=True, slots=True)
class MongoMediaCleanup:
    """Items for the cleanup; each query is a range of an index."""

    database: Database
    mapping: RecordMapping[MediaItem]

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items of this owner whose deletion was not requested."""
        query = MediaItemDocument.find({"owner_id": owner_id, "deletion_requested_at": None})
        return await self._list(query, limit)

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` pending items after their upload deadline."""
        pending = {"state": STORED_ITEM_STATES[ItemState.PENDING], "upload_deadline": {"$lte": now}}
        return await self._list(MediaItemDocument.find(pending).sort("upload_deadline"), limit)

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose deletion was requested by then."""
        query = MediaItemDocument.find({"deletion_requested_at": {"$lte": requested_before}})
        return await self._list(query.sort("deletion_requested_at"), limit)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose file the store refused to delete."""
        refused = {"state": STORED_ITEM_STATES[ItemState.DELETION_REFUSED]}
        return await self._list(MediaItemDocument.find(refused).sort("created_at"), limit)

    async def _list(self, query: FindMany[Any], limit: int) -> Sequence[Versioned[MediaItem]]:
        documents = await self.database.list_raw(query, limit)
        return [self.mapping.decode(document) for document in documents]


def _ready(item_filter: ItemFilter) -> RawDocument:
    filters = {
        "owner_id": item_filter.owner_id,
        "kind": item_filter.kind and STORED_MEDIA_KINDS[item_filter.kind],
        "category": item_filter.category,
    }
    present = {name: value for name, value in filters.items() if value is not None}
    return {"state": STORED_ITEM_STATES[ItemState.READY], **present}
