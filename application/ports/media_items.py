from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.media.item import MediaItem
from domain.media.page import ItemFilter, Position


class MediaItems(Protocol):
    """The records of the library."""

    async def add(self, item: MediaItem) -> None:
        """Save a new item at version 1; durable when this returns.

        Raises:
            StoreUnavailable
        """
        ...

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Give the item in whatever state, or None.

        Raises:
            StoreUnavailable
        """
        ...

    async def find(self, key: str) -> MediaItem | None:
        """Give the item whose file has this key, in whatever state, or None.

        Raises:
            StoreUnavailable
        """
        ...

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Save the item if the stored one still has this version; say whether it had.

        Raises:
            StoreUnavailable
        """
        ...

    async def remove(self, item_id: str, version: int) -> bool:
        """Forget the item if it still has this version; say whether it had.

        Raises:
            StoreUnavailable
        """
        ...


class MediaPages(Protocol):
    """Ready items in the order in which they are shown."""

    async def read(self, chosen: ItemFilter, offset: int, limit: int) -> Sequence[MediaItem]:
        """Give ready items, newest first (by `created`, then id), after the first `offset`.

        Raises:
            StoreUnavailable
        """
        ...

    async def read_after(
        self, chosen: ItemFilter, position: Position, limit: int
    ) -> Sequence[MediaItem]:
        """Give ready items in the same order, from behind this position on.

        That costs the same however many come before it; no item need be at the position.

        Raises:
            StoreUnavailable
        """
        ...

    async def count(self, chosen: ItemFilter) -> int:
        """Say how many ready items there are.

        Raises:
            StoreUnavailable
        """
        ...


class MediaLeftovers(Protocol):
    """Items that the sweeper has to see to."""

    async def owned_by(self, owner: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Give up to `limit` items of this owner that are not doomed yet.

        Raises:
            StoreUnavailable
        """
        ...

    async def abandoned(self, now: datetime, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Give up to `limit` pending items whose lease is over.

        Raises:
            StoreUnavailable
        """
        ...

    async def doomed_before(self, doomed: datetime, limit: int) -> Sequence[Versioned[MediaItem]]:
        """Give up to `limit` items doomed at or before then.

        Raises:
            StoreUnavailable
        """
        ...
