from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.media.find_item import FindItem
from application.media.shown_item import ShownItem
from application.ports.errors import StoreUnavailable
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaItems
from application.swaps import ROUNDS
from domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class CategoriseItem:
    """Put another label on an item; its owner or an administrator may."""

    find_item: FindItem
    media_items: MediaItems
    media_files: MediaFiles

    async def __call__(self, caller: Caller, item_id: str, category: str | None) -> ShownItem:
        """Raises ItemNotFound, NotOwner, Unavailable."""
        try:
            for _ in range(ROUNDS):
                found = await self.find_item.for_change(item_id, caller)
                changed = found.value.categorised(category)
                if await self.media_items.replace(changed, found.version):
                    return ShownItem(changed, await self.media_files.url_for(changed.key))
        except StoreUnavailable as error:
            raise Unavailable from error
        raise Unavailable
