"""What the cleanup does for the library."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.media.deletions import MarkForDeletion, RetryDeletions
from application.features.media.ports import MediaFiles, MediaItems
from application.features.media.quota import LibraryQuota
from application.operations.cleanup import (
    BATCH_SIZE,
    CleanupStep,
    EachDue,
    expire,
)
from application.pacing import Pace, call_in_groups
from application.ports.errors import ERRORS_OF_RECORDS, MediaStorageUnavailable
from application.ports.versioned import ExpiringRecords, Versioned
from domain.features.media.item import FILE_DELETION_DELAY, MediaItem
from domain.features.media.usage import IdempotencyKey

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpLibrary:
    """Delete what nothing shows anymore.

    - An upload past its deadline is marked for deletion, never finished.
    - The file of a deleted item is deleted again after the longest possible upload, and then its
      record. A deletion that the store refused is retried, and counted if it is refused again.
    - What a user has in the library is counted anew where an upload or a deletion may have crashed.
    """

    media_items: MediaItems
    idempotency_keys: ExpiringRecords[IdempotencyKey]
    media_files: MediaFiles
    mark_for_deletion: MarkForDeletion
    retry_deletions: RetryDeletions
    quota: LibraryQuota

    def steps(self) -> Mapping[str, CleanupStep]:
        return {
            "expired_uploads": EachDue(
                lambda now, offset: self.media_items.list_expired_uploads(now, BATCH_SIZE, offset),
                lambda item, _: self.mark_for_deletion(item),
            ),
            "deleted_items": EachDue(
                self._list_deleting,
                self._delete_item,
            ),
            "retried_deletions": self._retry_deletions,
            "unfinished_files": self._delete_unfinished_files,
            "expired_idempotency_keys": expire(self.idempotency_keys),
            "corrected_usages": EachDue(
                lambda now, offset: self.quota.media_usages.list_due(now, BATCH_SIZE, offset),
                lambda usage, _: self.quota.recount(usage.value.id),
            ),
        }

    async def count_refused(self) -> int:
        """Return how many items have files that could not be deleted, at most `BATCH_SIZE`."""
        return len(await self.media_items.list_refused_deletions(BATCH_SIZE))

    async def forget_identity(self, identity_id: str) -> None:
        pace = Pace()
        while await self.mark_for_deletion.mark_some_of(identity_id):
            await pace.pause()  # it may have thousands of items
        await self.quota.forget(identity_id)

    async def _list_deleting(self, now: datetime, offset: int) -> Sequence[Versioned[MediaItem]]:
        items = await self.media_items.list_deleting(now - FILE_DELETION_DELAY, BATCH_SIZE, offset)
        # Whoever marked an item may have crashed before it was subtracted.
        await call_in_groups(self._try_recount, [*{item.value.owner_id for item in items}])
        return items

    async def _try_recount(self, owner_id: str) -> None:
        """Count items of a user anew. If that fails, items are deleted nevertheless."""
        try:
            await self.quota.recount(owner_id)
        except ERRORS_OF_RECORDS as error:
            _log.warning({"event": "record_not_cleaned_up", "reason": str(error)})

    async def _delete_item(self, item: Versioned[MediaItem], _: datetime) -> bool:
        if await self.mark_for_deletion.delete_file(item.value):
            return await self.media_items.delete(item.value.id, item.version)
        return False

    async def _retry_deletions(self, _: datetime) -> int:
        try:
            return await self.retry_deletions()
        except MediaStorageUnavailable as error:
            _log.warning({"event": "file_deletion_retry_failed", "reason": str(error)})
            return 0

    async def _delete_unfinished_files(self, now: datetime) -> int:
        with suppress(MediaStorageUnavailable):
            return await self.media_files.delete_unfinished(now - FILE_DELETION_DELAY)
        return 0
