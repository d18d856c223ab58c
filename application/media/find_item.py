"""Finding a ready item of somebody who is still there."""

from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.ports.errors import StoreUnavailable
from application.ports.identities import Tombstones
from application.ports.media_items import MediaItems
from application.ports.versioned import Versioned
from domain.errors import ItemNotFound, NotOwner, Unavailable
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class FindItem:
    """Give a ready item; nothing of a deleted identity is found."""

    media_items: MediaItems
    tombstones: Tombstones

    async def __call__(self, item_id: str) -> Versioned[MediaItem]:
        """Raises ItemNotFound, Unavailable."""
        try:
            found = await self.media_items.load(item_id)
            if found is None or not found.value.is_ready:
                raise ItemNotFound
            if await self.tombstones.among([found.value.owner]):
                raise ItemNotFound
        except StoreUnavailable as error:
            raise Unavailable from error
        return found

    async def for_change(self, item_id: str, caller: Caller) -> Versioned[MediaItem]:
        """Give it to its owner or an administrator.

        Raises ItemNotFound, NotOwner, Unavailable.
        """
        found = await self(item_id)
        if caller.identity.id != found.value.owner and not caller.identity.is_administrator:
            raise NotOwner
        return found
