"""Repositories of media items in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime

from application.ports.media_items import PageItem
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor
from tests.support.fakes.records import Records, Repository


class InMemoryMediaItems(Records[MediaItem]):
    name = "media_items"

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        await self.database.call("media_items.find_by_storage_key")
        items = [item.value for item in self.stored.values()]
        return next((item for item in items if item.storage_key == storage_key), None)

    async def delete(self, item_id: str, version: int) -> bool:
        await self.database.call("media_items.delete")
        return self._delete(item_id, version)


class InMemoryMediaPages(Repository):
    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[PageItem]:
        await self.database.call("media_pages.list_page")
        return self._newest_first(item_filter)[offset : offset + limit]

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[PageItem]:
        await self.database.call("media_pages.list_after")
        last = (cursor.created_at, cursor.id)
        items = self._newest_first(item_filter)
        return [found for found in items if _position(found.item) < last][:limit]

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        await self.database.call("media_pages.count")
        return min(len(self._ready(item_filter)), limit)

    def _newest_first(self, item_filter: ItemFilter) -> list[PageItem]:
        items = sorted(self._ready(item_filter), key=_position, reverse=True)
        return [PageItem(item, self._has_deleted_owner(item)) for item in items]

    def _has_deleted_owner(self, item: MediaItem) -> bool:
        owner = self.database.identities.get(item.owner_id)
        return owner is not None and owner.value.deleted_at is not None

    def _ready(self, item_filter: ItemFilter) -> list[MediaItem]:
        return [
            item
            for item in (stored.value for stored in self.database.media_items.values())
            if item.is_ready
            and item_filter.owner_id in (None, item.owner_id)
            and item_filter.kind in (None, item.kind)
            and item_filter.category in (None, item.category)
        ]


def _position(item: MediaItem) -> tuple[datetime, str]:
    return item.created_at, item.id


class InMemoryMediaCleanup(Repository):
    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        await self.database.call("media_cleanup.list_owned_by")
        return self._list(
            lambda item: item.owner_id == owner_id and item.deletion_requested_at is None, limit
        )

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        await self.database.call("media_cleanup.list_expired_uploads")
        return self._list(lambda item: item.is_upload_expired(now), limit)

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        await self.database.call("media_cleanup.list_deleting")
        return self._list(
            lambda item: bool((at := item.deletion_requested_at) and at <= requested_before), limit
        )

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        await self.database.call("media_cleanup.list_refused_deletions")
        return self._list(lambda item: item.state is ItemState.DELETION_REFUSED, limit)

    def _list(
        self, is_listed: Callable[[MediaItem], bool], limit: int
    ) -> list[Versioned[MediaItem]]:
        items = [item for item in self.database.media_items.values() if is_listed(item.value)]
        return sorted(items, key=lambda item: item.value.created_at)[:limit]
