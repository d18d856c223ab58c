"""Finding a ready item of somebody who is still there."""

from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.ports.errors import StorageUnavailable
from application.ports.identities import DeletedIdentities
from application.ports.media_items import MediaItems
from application.ports.versioned import Versioned
from domain.errors import Forbidden, ItemNotFound, Unavailable
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class FindItem:
    """Give a ready item; nothing of a deleted identity is found."""

    media_items: MediaItems
    deleted_identities: DeletedIdentities

    async def __call__(self, item_id: str) -> Versioned[MediaItem]:
        """Raises ItemNotFound, Unavailable."""
        try:
            found = await self.media_items.load(item_id)
            if found is None or not found.value.is_ready:
                raise ItemNotFound
            if await self.deleted_identities.find_deleted([found.value.owner_id]):
                raise ItemNotFound
        except StorageUnavailable as error:
            raise Unavailable from error
        return found

    async def for_change(self, item_id: str, principal: Principal) -> Versioned[MediaItem]:
        """Give it to its owner or an administrator.

        Raises ItemNotFound, Forbidden, Unavailable.
        """
        found = await self(item_id)
        if (
            principal.identity.id != found.value.owner_id
            and not principal.identity.is_administrator
        ):
            raise Forbidden
        return found
