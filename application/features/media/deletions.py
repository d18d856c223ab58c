"""Mark items for deletion, delete their files, and what the cleanup deletes of libraries."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.features.media.ports import MediaFiles, MediaItems
from application.features.media.quota import LibraryQuota
from application.operations.cleanup import (
    BATCH_SIZE,
    CleanupStep,
    EachDue,
    expire,
)
from application.pacing import Pace, call_in_groups
from application.ports.errors import ERRORS_OF_RECORDS, MediaStorageUnavailable, StorageError
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords, Versioned
from application.update import change
from domain.features.media.errors import ItemNotFound
from domain.features.media.item import FILE_DELETION_DELAY, MediaItem
from domain.features.media.usage import IdempotencyKey

_PARALLEL_DELETIONS: Final = 8

_log = logging.getLogger(__name__)


async def delete_files(media_files: MediaFiles, storage_keys: Iterable[str]) -> None:
    """Delete several files."""
    await asyncio.gather(*map(media_files.delete, storage_keys))


@dataclass(frozen=True, slots=True)
class MarkForDeletion:
    """Take items out of the library, and their files out of the store.

    A deletion that the store refuses is recorded in the item, so that `RetryDeletions` finds it.
    If even that fails, the cleanup deletes the file: it visits every marked item again. Where the
    store is not open, `media_files` is None, and each deletion counts as refused.
    """

    media_items: MediaItems
    media_files: MediaFiles | None
    quota: LibraryQuota
    clock: Clock

    async def __call__(self, item: Versioned[MediaItem]) -> bool:
        """Mark an item; return False if it was changed since it was loaded."""
        marked = item.value.mark_for_deletion(self.clock.now())
        if not await self.media_items.replace(marked, item.version):
            return False
        await self._delete_marked(item.value, marked)
        return True

    async def mark_if(
        self, found: Versioned[MediaItem], check: Callable[[MediaItem], Awaitable[None]]
    ) -> MediaItem:
        """Mark an item as it is now, and return it as it was before.

        `check` raises unless the item may be marked.

        Raises:
            ItemNotFound
        """

        async def mark(item: MediaItem) -> tuple[MediaItem, tuple[MediaItem, MediaItem]]:
            await check(item)
            marked = item.mark_for_deletion(self.clock.now())
            return marked, (item, marked)

        item, marked = await change(
            self.media_items, found.value.id, mark, missing=ItemNotFound, loaded=found
        )
        await self._delete_marked(item, marked)
        return item

    async def mark_batch_of(self, owner_id: str) -> int:
        """Mark up to `BATCH_SIZE` items of an owner, and return how many there were."""
        items = await self.media_items.list_of_owner(owner_id, BATCH_SIZE)
        await call_in_groups(self, items)
        return len(items)

    async def _delete_marked(self, item: MediaItem, marked: MediaItem) -> None:
        await self.quota.remove(item)
        await self.delete_file(marked)

    async def delete_file(self, item: MediaItem) -> bool:
        """Delete the files of a marked item, or record that the store refused; return which."""
        try:
            if self.media_files is None:
                raise MediaStorageUnavailable("This command has not opened the media store.")
            await delete_files(self.media_files, item.storage_keys)
        except MediaStorageUnavailable as error:
            _log.warning(
                {"event": "file_deletion_refused", "item_id": item.id, "reason": str(error)}
            )
            with suppress(StorageError):
                await change(
                    self.media_items,
                    item.id,
                    lambda marked: (marked and marked.mark_deletion_refused(), None),
                )
            return False
        return True


@dataclass(frozen=True, slots=True)
class RetryDeletions:
    """Delete files whose deletion the store refused before.

    A presigned URL opens a file until the file is deleted. So refusals are recorded in the items,
    where a killed process does not lose them.

    It is harmless at any time and however often it runs.
    """

    media_items: MediaItems
    media_files: MediaFiles
    clock: Clock

    async def __call__(self) -> int:
        """Retry all deletions until no more succeed, and return how many items were deleted.

        Raises:
            MediaStorageUnavailable: The store refused some again.
        """
        deleted = 0
        while refused := await self.media_items.list_refused_deletions(BATCH_SIZE):
            results: list[bool | MediaStorageUnavailable] = []
            for start in range(0, len(refused), _PARALLEL_DELETIONS):
                batch = refused[start : start + _PARALLEL_DELETIONS]
                results += await asyncio.gather(*map(self._retry, batch))
            deleted += results.count(True)
            if not results.count(True):
                for error in results:
                    if isinstance(error, MediaStorageUnavailable):
                        raise error
                break
        return deleted

    async def _retry(self, item: Versioned[MediaItem]) -> bool | MediaStorageUnavailable:
        """Return whether it was this retry that deleted the files, or why not."""
        try:
            await delete_files(self.media_files, item.value.storage_keys)
        except MediaStorageUnavailable as error:
            return error
        deleted = item.value.mark_for_deletion(self.clock.now())
        if not await self.media_items.replace(deleted, item.version):
            return False  # another instance was faster
        _log.info({"event": "file_deletion_retried", "item_id": item.value.id})
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpLibrary:
    """Delete what is no longer shown.

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
        while await self.mark_for_deletion.mark_batch_of(identity_id):
            await pace.pause()  # it may have thousands of items
        await self.quota.forget(identity_id)

    async def _list_deleting(self, now: datetime, offset: int) -> Sequence[Versioned[MediaItem]]:
        items = await self.media_items.list_deleting(now - FILE_DELETION_DELAY, BATCH_SIZE, offset)
        # A crash may have come between marking an item and subtracting it.
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
