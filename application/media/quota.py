"""The quotas of users: checked before an image is decoded, and when its item is added."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from application.ports.media_items import MediaItems
from domain.errors import QuotaExceeded
from domain.media.item import MediaItem
from domain.media.usage import MediaUsage, Quota

_MAX_RETRIES: Final = 20
_RETRY_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class LibraryQuota:
    """What each user has in the library, and may have.

    - An item counts from the moment it is added, before its file is written, until it is marked for
      deletion. Nothing else is stored, so nothing can differ from the items.
    - An upload adds its item first and checks then. Of parallel uploads, the last one that is added
      sees all others, so that they never exceed the quota together.
    """

    media_items: MediaItems
    quota: Quota

    async def check(self, owner_id: str) -> None:
        """Check whether the user may have another item, of any size.

        Raises:
            QuotaExceeded
            StorageError
        """
        self.quota.check(await self.media_items.get_usage(owner_id))

    async def check_added(self, item: MediaItem) -> None:
        """Check whether the pending item, which was added, is within the quota.

        If parallel uploads exceed it together, those with later ids are rejected. The others wait
        until these are gone, at most a second.

        Raises:
            QuotaExceeded
            StorageError
        """
        for _ in range(_MAX_RETRIES):
            with suppress(QuotaExceeded):
                return await self._check_all(item)
            earlier = await self.media_items.get_usage(item.owner_id, pending_before=item.id)
            self.quota.check(earlier, item.image.bytes)
            await asyncio.sleep(_RETRY_SECONDS)
        return await self._check_all(item)

    async def _check_all(self, item: MediaItem) -> None:
        used = await self.media_items.get_usage(item.owner_id)
        size = item.image.bytes
        self.quota.check(MediaUsage(used.bytes - size, used.items - 1), size)
