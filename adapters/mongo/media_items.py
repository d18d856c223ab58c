"""Library items in MongoDB: by id, in pages, and those to be cleaned up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import DESCENDING

from adapters.mongo.driver import RawDocument
from adapters.mongo.record_collection import RecordCollection, after
from application.ports.versioned import Versioned
from domain.media.image import MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.media.usage import MediaUsage
from domain.page import Cursor

_OWNER_INDEX: Final = "media_items_owner_id"
_OWNER_CATEGORY_INDEX: Final = "media_items_owner_id_category"
_NEWEST_FIRST: Final = [("created_at", DESCENDING), ("_id", DESCENDING)]
_UPLOADED: Final = {"$in": [ItemState.PENDING.value, ItemState.READY.value]}
_DELETING: Final = {"$in": [ItemState.DELETING.value, ItemState.DELETION_REFUSED.value]}


class MongoMediaItems(RecordCollection[MediaItem]):
    """Library items. Each query is a range of an index.

    Each combination of filters has an index; a page reads one or two ranges of it. Commands name
    it, because MongoDB would keep a plan that was good for another owner.
    """

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[MediaItem]:
        """Return ready items, the newest first, after the first `offset`."""
        if not offset:
            return await self._list(item_filter, {}, limit)
        # With skip, MongoDB reads the documents that it skips. Only the index is read here.
        last = await self.project(
            _ready(item_filter),
            {"_id": 1, "created_at": 1},
            skip=offset - 1,
            limit=1,
            hint=_index_of(item_filter),
            sort=_NEWEST_FIRST,
        )
        if not last:
            return []
        cursor = Cursor(last[0]["created_at"], last[0]["_id"])
        return await self.list_after(item_filter, cursor, limit)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        """Return ready items in the same order, after this position."""
        return await self._list(item_filter, after(cursor, "created_at"), limit)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Return how many ready items there are, at most `limit`."""
        query, hint = _ready(item_filter), _index_of(item_filter)
        collection = self.database.collection(self.document)
        return await self.database.run(
            lambda: collection.count_documents(query, limit=limit, hint=hint)
        )

    async def _list(
        self, item_filter: ItemFilter, position: RawDocument, limit: int
    ) -> Sequence[MediaItem]:
        query, hint = {**_ready(item_filter), **position}, _index_of(item_filter)
        found = await self.project(query, None, limit=limit, hint=hint, sort=_NEWEST_FIRST)
        return [self.read(document).value for document in found]

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items of this owner whose deletion was not requested."""
        query = {"owner_id": owner_id, "state": _UPLOADED}
        return await self.list(query, limit, hint=_OWNER_INDEX)

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items in any state after this id."""
        return await self.list({"_id": {"$gt": after_id}}, limit, "_id")

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready item of this owner."""
        query = {"owner_id": owner_id, "state": ItemState.READY.value}
        fields = {"image.bytes": 1, "schema_version": 1}
        found = await self.project(query, fields, hint=_OWNER_INDEX)
        known = self.mapping.schema_version
        sizes: dict[str, int] = {
            one["_id"]: one["image"]["bytes"]
            for one in found
            if one.get("schema_version") == known and one.get("image")
        }
        # Others are upgraded, or an error: damaged, or written by a newer program.
        for item_id in {one["_id"] for one in found} - sizes.keys():
            if loaded := await self.load(item_id):
                sizes[item_id] = loaded.value.image.bytes
        return sizes

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """Return the ids of this owner's items whose deletion was requested after this time."""
        requested = {"deletion_requested_at": {"$gt": requested_after}}
        query = {"owner_id": owner_id, "state": _DELETING, **requested}
        found = await self.project(query, {"_id": 1}, hint=_OWNER_INDEX)
        return [item["_id"] for item in found]

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` pending items after their upload deadline."""
        return await self.list_until("cleanup_at", now, limit, state=ItemState.PENDING.value)

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose deletion was requested by then."""
        return await self.list_until("cleanup_at", requested_before, limit, state=_DELETING)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Return up to `limit` items whose file the store refused to delete."""
        refused = {"state": ItemState.DELETION_REFUSED.value, "cleanup_at": {"$exists": True}}
        return await self.list(refused, limit, "cleanup_at")


class MongoMediaUsages(RecordCollection[MediaUsage]):
    """What users have in the library, by the id of the user."""

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """Return up to `limit` usages that are due to be counted anew."""
        return await self.list_until("recount_at", now, limit)


def _ready(item_filter: ItemFilter) -> dict[str, Any]:
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
