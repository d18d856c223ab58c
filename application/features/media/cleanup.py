"""What the cleanup does for the library."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.media.deletions import MarkForDeletion, RetryDeletions
from application.features.media.ports import MediaFiles, MediaItems
from application.features.media.quota import LibraryQuota
from application.operations.cleanup import BATCH_SIZE, REFUSED_DELETIONS, CleanupStep, expire
from application.pacing import Pace, call_in_groups
from application.ports.errors import MediaStorageUnavailable
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
            "expired_uploads": self._mark_expired_uploads,
            "deleted_items": self._delete_items,
            "retried_deletions": self._retry_deletions,
            "unfinished_files": self._delete_unfinished_files,
            "expired_idempotency_keys": expire(self.idempotency_keys),
            "corrected_usages": self._recount_due_usages,
        }

    async def count_refused(self) -> Mapping[str, int]:
        """Return how many items have files that could not be deleted, at most `BATCH_SIZE`."""
        return {REFUSED_DELETIONS: len(await self.media_items.list_refused_deletions(BATCH_SIZE))}

    async def forget_identity(self, identity_id: str) -> None:
        pace = Pace()
        while await self.mark_for_deletion.mark_some_of(identity_id):
            await pace.pause()  # it may have thousands of items
        await self.quota.forget(identity_id)

    async def _mark_expired_uploads(self, now: datetime) -> int:
        expired = await self.media_items.list_expired_uploads(now, BATCH_SIZE)
        return sum(await call_in_groups(self.mark_for_deletion, expired))

    async def _delete_items(self, now: datetime) -> int:
        items = await self.media_items.list_deleting(now - FILE_DELETION_DELAY, BATCH_SIZE)
        # Whoever marked an item may have crashed before it was subtracted.
        await call_in_groups(self.quota.recount, [*{item.value.owner_id for item in items}])
        return sum(await call_in_groups(self._delete_item, items))

    async def _delete_item(self, item: Versioned[MediaItem]) -> bool:
        if await self.mark_for_deletion.delete_file(item.value):
            return await self.media_items.delete(item.value.id, item.version)
        return False

    async def _retry_deletions(self, _: datetime) -> int:
        try:
            return await self.retry_deletions()
        except MediaStorageUnavailable as error:
            _log.warning({"event": "file_deletion_retry_failed", "reason": str(error)})
            return 0

    async def _recount_due_usages(self, _: datetime) -> int:
        due = await self.quota.list_due(BATCH_SIZE)
        return sum(await call_in_groups(self.quota.recount, due))

    async def _delete_unfinished_files(self, now: datetime) -> int:
        with suppress(MediaStorageUnavailable):
            return await self.media_files.delete_unfinished(now - FILE_DELETION_DELAY)
        return 0
