from dataclasses import dataclass

from application.media.find_item import FindItem
from application.media.library_item import LibraryItem
from application.ports.media_files import MediaFiles


@dataclass(frozen=True, slots=True)
class GetItem:
    """Show one item of the library; anybody who is signed in may see it."""

    find_item: FindItem
    media_files: MediaFiles

    async def __call__(self, item_id: str) -> LibraryItem:
        """Raises ItemNotFound, Unavailable."""
        found = await self.find_item(item_id)
        return LibraryItem(found.value, await self.media_files.url_for(found.value.storage_key))
