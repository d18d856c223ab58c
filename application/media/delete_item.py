from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.media.doom import Doom
from application.media.find_item import FindItem
from application.ports.errors import StoreUnavailable
from application.swaps import ROUNDS
from domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Remove an item; it is shown no more from this write on, nor is its file."""

    find_item: FindItem
    doom: Doom

    async def __call__(self, caller: Caller, item_id: str) -> None:
        """Raises ItemNotFound, NotOwner, Unavailable."""
        try:
            for _ in range(ROUNDS):
                found = await self.find_item.for_change(item_id, caller)
                if await self.doom(found):
                    return
        except StoreUnavailable as error:
            raise Unavailable from error
        raise Unavailable
