"""Retry deletions of files that the store refused."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from application.media.mark_for_deletion import delete_files
from application.ports.errors import MediaStorageUnavailable
from application.ports.media import MediaFiles, MediaItems
from application.ports.system import Clock
from application.ports.versioned import Versioned
from domain.media.item import MediaItem

BATCH_SIZE: Final = 200
_PARALLEL_DELETIONS: Final = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryDeletions:
    """Delete files whose deletion the store refused before.

    It is harmless at any time and however often it runs. Without refused deletions it costs one
    query. An item stays marked until the cleanup deletes its record.
    """

    media_items: MediaItems
    media_files: MediaFiles
    clock: Clock

    async def __call__(self) -> int:
        """Retry all deletions until no more succeed, and return how many items were deleted.

        Raises:
            StorageError
        """
        deleted = 0
        while refused := await self.media_items.list_refused_deletions(BATCH_SIZE):
            succeeded = 0
            for start in range(0, len(refused), _PARALLEL_DELETIONS):
                batch = refused[start : start + _PARALLEL_DELETIONS]
                succeeded += sum(await asyncio.gather(*map(self._retry, batch)))
            if not succeeded:
                break
            deleted += succeeded
        return deleted

    async def _retry(self, item: Versioned[MediaItem]) -> bool:
        try:
            await delete_files(self.media_files, item.value.storage_keys)
        except MediaStorageUnavailable:
            return False
        deleted = item.value.mark_for_deletion(self.clock.now())
        if not await self.media_items.replace(deleted, item.version):
            return False  # another instance was faster
        _log.info({"event": "file_deletion_retried", "item_id": item.value.id})
        return True
