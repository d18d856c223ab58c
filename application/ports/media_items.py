from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.media.item import MediaItem
from domain.media.page import Cursor, ItemFilter


class MediaItems(Protocol):
    """The records of the library."""

    async def add(self, item: MediaItem) -> None:
        """Save a new item at version 1; durable when this returns.

        Raises:
            StorageUnavailable
        """
        ...

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Give the item in whatever state, or None.

        Raises:
            StorageUnavailable
        """
        ...

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        """Give the item whose file has this key, in whatever state, or None.

        Raises:
            StorageUnavailable
        """
        ...

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Save the item if the stored one still has this version; say whether it had.

        Raises:
            StorageUnavailable
        """
        ...

    async def delete(self, item_id: str, version: int) -> bool:
        """Forget the item if it still has this version; say whether it had.

        Raises:
            StorageUnavailable
        """
        ...


class MediaPages(Protocol):
    """Ready items in the order in which they are shown."""

    async def list_page(self, chosen: ItemFilter, offset: int, limit: int) -> Sequence[MediaItem]:
        """Give ready items, newest first (by `created`, then id), after the first `offset`.

        Raises:
            StorageUnavailable
        """
        ...

    async def list_after(
        self, chosen: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        """Give ready items in the same order, from behind this position on.

        That costs the same however many come before it; no item need be at the position.

        Raises:
            StorageUnavailable
        """
        ...

    async def count(self, chosen: ItemFilter) -> int:
        """Say how many ready items there are.

        Raises:
            StorageUnavailable
        """
        ...


class MediaCleanup(Protocol):
    """Items that the sweeper has to see to."""

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Give up to `limit` items of this owner that are not doomed yet.

        Raises:
            StorageUnavailable
        """
        ...

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """Give up to `limit` pending items whose lease is over.

        Raises:
            StorageUnavailable
        """
        ...

    async def list_deleting(self, doomed: datetime, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Give up to `limit` items doomed at or before then.

        Raises:
            StorageUnavailable
        """
        ...
