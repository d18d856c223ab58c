"""Mark items for deletion, and delete their files as far as possible at once."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from application.ports.errors import MediaStorageUnavailable
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaCleanup, MediaItems
from application.ports.system import Clock
from application.ports.versioned import Versioned
from domain.media.item import MediaItem

BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class MarkForDeletion:
    """Take items out of the library, and their files out of the store.

    The cleanup deletes a file that cannot be deleted now: it visits every marked item again.
    """

    media_items: MediaItems
    media_cleanup: MediaCleanup
    media_files: MediaFiles
    clock: Clock

    async def __call__(self, item: Versioned[MediaItem]) -> bool:
        """Mark an item; return False if it was changed since it was loaded.

        Raises:
            StorageError
        """
        marked = item.value.mark_for_deletion(self.clock.now())
        if not await self.media_items.replace(marked, item.version):
            return False
        await self.delete_file(marked)
        return True

    async def mark_some_of(self, owner_id: str) -> int:
        """Mark up to `BATCH_SIZE` items of an owner, and return how many there were.

        Raises:
            StorageError
        """
        items = await self.media_cleanup.list_owned_by(owner_id, BATCH_SIZE)
        results = await asyncio.gather(*map(self, items), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(items)

    async def delete_file(self, item: MediaItem) -> None:
        """Delete the file of a marked item, if the store answers."""
        with suppress(MediaStorageUnavailable):
            await self.media_files.delete(item.storage_key)
