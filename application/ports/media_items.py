"""The repository of library items."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import DeletableRecords, Versioned
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor


class MediaItems(DeletableRecords[MediaItem], Protocol):
    """Library items by id, in any state; in pages; and those that the cleanup handles.

    Pages have the ready items, newest first: by `created_at`, then by id. Limits are positive.
    Items of deleted owners are listed too: `Identities.find_deleted` knows whose these are.
    """

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[MediaItem]:
        """List items after the first `offset` ones, which cost time: see `MAX_TOTAL`.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        """List items after the cursor.

        The cost does not depend on how many items come before it. The item of the cursor need not
        exist.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Count the items, up to `limit`.

        The cost does not depend on how many more there are.

        Raises:
            StorageError
        """
        ...

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items of an owner that are not marked for deletion.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items in any state whose ids come after this one, in their order.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready item of an owner.

        Raises:
            StorageError
        """
        ...

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """List the ids of an owner's items whose deletion was requested after this time.

        Raises:
            StorageError
        """
        ...

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` pending items whose upload deadline passed.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items whose deletion was requested then or earlier.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items whose file the store refused to delete, the oldest first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...
