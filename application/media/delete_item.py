from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.media.find_item import FindItem
from application.media.mark_for_deletion import MarkForDeletion
from application.ports.errors import StorageUnavailable
from application.update import MAX_RETRIES
from domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Remove an item; it is shown no more from this write on, nor is its file."""

    find_item: FindItem
    mark_for_deletion: MarkForDeletion

    async def __call__(self, principal: Principal, item_id: str) -> None:
        """Raises ItemNotFound, Forbidden, Unavailable."""
        try:
            for _ in range(MAX_RETRIES):
                found = await self.find_item.for_change(item_id, principal)
                if await self.mark_for_deletion(found):
                    return
        except StorageUnavailable as error:
            raise Unavailable from error
        raise Unavailable
