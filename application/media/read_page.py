from collections.abc import Sequence
from dataclasses import dataclass

from application.media.shown_item import ShownItem
from application.ports.errors import StoreUnavailable
from application.ports.identities import Tombstones
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaPages
from domain.errors import PageNotRead
from domain.media.item import MediaItem
from domain.media.page import ItemFilter, Page, PageRequest, Position


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page, and its items with the addresses that their pictures open at."""

    page: Page
    items: Sequence[ShownItem]


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Show a page of the library, newest first; nothing of a deleted identity is on it.

    What is left out makes a page shorter, and the next one begins behind the last item that was
    read, shown or not: so whoever goes on gets to everything.
    """

    media_pages: MediaPages
    tombstones: Tombstones
    media_files: MediaFiles

    async def __call__(self, chosen: ItemFilter, request: PageRequest) -> ShownPage:
        """Raises PageNotRead."""
        try:
            page = await self._read(chosen, request)
        except StoreUnavailable as error:
            raise PageNotRead from error
        shown = [ShownItem(item, await self.media_files.url_for(item.key)) for item in page.items]
        return ShownPage(page, shown)

    async def _read(self, chosen: ItemFilter, request: PageRequest) -> Page:
        if chosen.owner is not None and await self.tombstones.among([chosen.owner]):
            return Page([], 0, request)
        total = await self.media_pages.count(chosen)
        # One more than fits tells whether that is all.
        read = await self._items(chosen, request, total, request.size + 1)
        items = read[: request.size]
        next_after = Position.behind(items[-1]) if len(read) > request.size else None
        gone = await self.tombstones.among({item.owner for item in items})
        shown = [item for item in items if item.owner not in gone]
        return Page(shown, total, request, next_after)

    async def _items(
        self, chosen: ItemFilter, request: PageRequest, total: int, limit: int
    ) -> Sequence[MediaItem]:
        if request.after is not None:
            return await self.media_pages.read_after(chosen, request.after, limit)
        if request.offset >= total:
            return []
        return await self.media_pages.read(chosen, request.offset, limit)
