from collections.abc import Sequence
from dataclasses import dataclass

from application.media.shown_item import ShownItem
from application.ports.errors import StoreUnavailable
from application.ports.identities import Tombstones
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaPages
from domain.errors import PageNotRead
from domain.media.page import ItemFilter, Page, PageRequest


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page, and its items with the addresses that their pictures open at."""

    page: Page
    items: Sequence[ShownItem]


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Show a page of the library, newest first; nothing of a deleted identity is on it."""

    media_pages: MediaPages
    tombstones: Tombstones
    media_files: MediaFiles

    async def __call__(self, chosen: ItemFilter, request: PageRequest) -> ShownPage:
        """Raises PageNotRead."""
        try:
            page = await self._read(chosen, request)
        except StoreUnavailable as error:
            raise PageNotRead from error
        shown = [ShownItem(item, await self.media_files.url(item.key)) for item in page.items]
        return ShownPage(page, shown)

    async def _read(self, chosen: ItemFilter, request: PageRequest) -> Page:
        if chosen.owner is not None and await self.tombstones.among([chosen.owner]):
            return Page([], 0, request)
        total = await self.media_pages.count(chosen)
        if request.offset >= total:
            return Page([], total, request)
        items = await self.media_pages.read(chosen, request.offset, request.size)
        gone = await self.tombstones.among({item.owner for item in items})
        return Page([item for item in items if item.owner not in gone], total, request)
