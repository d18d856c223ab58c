"""The quotas of users: reserve before an upload, count it, and subtract what is deleted."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from application.features.media.ports import MediaItems, MediaUsages
from application.ports.errors import CorruptRecord, StorageError
from application.ports.identities import Identities
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.update import change
from domain.features.media.item import MediaItem
from domain.features.media.usage import PENDING_TIMEOUT, MediaUsage, Quota

_MAX_RECOUNTS: Final = 5


@dataclass(frozen=True, slots=True)
class LibraryQuota:
    """What each user has in the library, and may have.

    - An upload is reserved before its item is written, and counted when the item is ready.
    - An item is subtracted after it was marked for deletion, by the same caller.
    - A recount corrects what a crash leaves between two of these steps.
    """

    media_usages: MediaUsages
    media_items: MediaItems
    identities: Identities
    clock: Clock
    quota: Quota

    async def check(self, owner_id: str) -> Versioned[MediaUsage | None]:
        """Check whether the user may have another item, of any size; return what is used."""
        usage = await self.media_usages.load(owner_id)
        if usage is None:
            # Without a record there may be items nevertheless, for example after a repair.
            await self.recount(owner_id, is_missing=True)
            usage = await self.media_usages.load(owner_id)
        if usage is None:
            return Versioned(None, 0)
        usage.value.check(self.quota)
        return Versioned(usage.value, usage.version)

    async def reserve(self, item: MediaItem, checked: Versioned[MediaUsage | None]) -> None:
        """Reserve the bytes of an item; `checked` is what `check` has returned."""

        def reserve(usage: MediaUsage | None) -> tuple[MediaUsage, None]:
            used = usage or MediaUsage(item.owner_id)
            return used.reserve(item.id, item.image.bytes, self.quota), None

        await change(self.media_usages, item.owner_id, reserve, loaded=checked)

    async def confirm(self, item: MediaItem) -> None:
        """Count a ready item. If that fails, it stays pending until the next recount."""
        with suppress(StorageError):
            await change(
                self.media_usages,
                item.owner_id,
                lambda usage: (usage and usage.confirm(item.id), None),
            )

    async def remove(self, item: MediaItem) -> None:
        """Subtract an item that the caller has marked for deletion; `item` is from before that.

        If that fails, the cleanup subtracts it before it deletes the record of the item.
        """

        def remove(usage: MediaUsage | None) -> tuple[MediaUsage | None, MediaUsage | None]:
            removed = usage and usage.remove(item)
            return removed, removed

        with suppress(StorageError, CorruptRecord):
            usage = await change(self.media_usages, item.owner_id, remove)
            if usage is not None and not usage.used_items:
                await self.recount(item.owner_id)  # it deletes the usage of a deleted identity

    async def recount(self, owner_id: str, *, is_missing: bool = False) -> bool:
        """Count the items of a user anew, and return whether the usage was wrong.

        It replaces only the version that was there before it counted. While others change the usage
        all the time, it gives up; the usage stays due. `is_missing` is whether the caller has just
        seen that there is no usage.
        """
        for _ in range(_MAX_RECOUNTS):
            loaded = None if is_missing else await self.media_usages.load(owner_id)
            is_missing = False
            now = self.clock.now()
            stored = await self.media_items.list_sizes(owner_id)
            # After the stored items: an item that is marked meanwhile is in one of both.
            deleting = await self.media_items.list_deleting_ids(owner_id, now - PENDING_TIMEOUT)
            old = MediaUsage(owner_id) if loaded is None else loaded.value
            usage = old.recount(stored, deleting, now)
            if usage == old and (usage.used_items or loaded is None):
                return False
            if loaded is None:
                if await self.media_usages.add(usage):
                    return True
            elif not usage.used_items and await self.identities.find_deleted([owner_id]):
                return await self.media_usages.delete(owner_id, loaded.version)
            elif usage == old or await self.media_usages.replace(usage, loaded.version):
                return replace(usage, subtracted_ids=()) != replace(old, subtracted_ids=())
        return False

    async def forget(self, owner_id: str) -> None:
        loaded = await self.media_usages.load(owner_id)
        if loaded is not None:
            await self.media_usages.delete(owner_id, loaded.version)
