from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.media.find_item import FindItem
from application.media.library_item import LibraryItem
from application.ports.errors import StorageUnavailable
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaItems
from application.update import MAX_RETRIES
from domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class CategorizeItem:
    """Put another label on an item; its owner or an administrator may."""

    find_item: FindItem
    media_items: MediaItems
    media_files: MediaFiles

    async def __call__(
        self, principal: Principal, item_id: str, category: str | None
    ) -> LibraryItem:
        """Raises ItemNotFound, Forbidden, Unavailable."""
        try:
            for _ in range(MAX_RETRIES):
                found = await self.find_item.for_change(item_id, principal)
                changed = found.value.categorize(category)
                if await self.media_items.replace(changed, found.version):
                    return LibraryItem(changed, await self.media_files.url_for(changed.storage_key))
        except StorageUnavailable as error:
            raise Unavailable from error
        raise Unavailable
