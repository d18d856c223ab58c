import asyncio
from contextlib import suppress
from dataclasses import dataclass

from application.ports.clock import Clock
from application.ports.errors import MediaStorageUnavailable
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaCleanup, MediaItems
from application.ports.versioned import Versioned
from domain.media.item import MediaItem

AT_ONCE = 200
"""So many items of a deleted identity go within one call."""


@dataclass(frozen=True, slots=True)
class MarkForDeletion:
    """Take items out of the library, and their files out of the store as far as it lets us.

    A file that could not be removed now is removed by the sweeper, which comes back to every
    doomed item anyway.
    """

    media_items: MediaItems
    media_cleanup: MediaCleanup
    media_files: MediaFiles
    clock: Clock

    async def __call__(self, item: Versioned[MediaItem]) -> bool:
        """Doom this item; False when somebody else changed it meanwhile.

        Raises:
            StorageUnavailable
        """
        doomed = item.value.mark_for_deletion(self.clock.now())
        if not await self.media_items.replace(doomed, item.version):
            return False
        with suppress(MediaStorageUnavailable):
            await self.media_files.delete(doomed.storage_key)
        return True

    async def mark_some_of(self, owner_id: str) -> int:
        """Doom up to `AT_ONCE` items of this owner; say how many there were.

        Raises:
            StorageUnavailable
        """
        items = await self.media_cleanup.list_owned_by(owner_id, AT_ONCE)
        outcomes = await asyncio.gather(*map(self, items), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(items)
