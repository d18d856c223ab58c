from dataclasses import dataclass

from application.media.find_item import FindItem
from application.media.shown_item import ShownItem
from application.ports.media_files import MediaFiles


@dataclass(frozen=True, slots=True)
class ReadItem:
    """Show one item of the library; anybody who is signed in may see it."""

    find_item: FindItem
    media_files: MediaFiles

    async def __call__(self, item_id: str) -> ShownItem:
        """Raises ItemNotFound, Unavailable."""
        found = await self.find_item(item_id)
        return ShownItem(found.value, await self.media_files.url_for(found.value.key))
