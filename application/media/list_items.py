from collections.abc import Sequence
from dataclasses import dataclass

from application.media.library_item import LibraryItem
from application.ports.errors import StorageUnavailable
from application.ports.identities import DeletedIdentities
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaPages
from domain.errors import LibraryReadFailed
from domain.media.item import MediaItem
from domain.media.page import Cursor, ItemFilter, Page, PageRequest


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """A page, and its items with the addresses that their pictures open at."""

    page: Page
    items: Sequence[LibraryItem]


@dataclass(frozen=True, slots=True)
class ListItems:
    """Show a page of the library, newest first; nothing of a deleted identity is on it.

    What is left out makes a page shorter, and the next one begins behind the last item that was
    read, shown or not: so whoever goes on gets to everything.
    """

    media_pages: MediaPages
    deleted_identities: DeletedIdentities
    media_files: MediaFiles

    async def __call__(self, chosen: ItemFilter, request: PageRequest) -> LibraryPage:
        """Raises LibraryReadFailed."""
        try:
            page = await self._read(chosen, request)
        except StorageUnavailable as error:
            raise LibraryReadFailed from error
        shown = [
            LibraryItem(item, await self.media_files.url_for(item.storage_key))
            for item in page.items
        ]
        return LibraryPage(page, shown)

    async def _read(self, chosen: ItemFilter, request: PageRequest) -> Page:
        if chosen.owner_id is not None and await self.deleted_identities.find_deleted(
            [chosen.owner_id]
        ):
            return Page([], 0, request)
        total = await self.media_pages.count(chosen)
        # One more than fits tells whether that is all.
        read = await self._items(chosen, request, total, request.page_size + 1)
        items = read[: request.page_size]
        next_after = Cursor.after_item(items[-1]) if len(read) > request.page_size else None
        gone = await self.deleted_identities.find_deleted({item.owner_id for item in items})
        shown = [item for item in items if item.owner_id not in gone]
        return Page(shown, total, request, next_after)

    async def _items(
        self, chosen: ItemFilter, request: PageRequest, total: int, limit: int
    ) -> Sequence[MediaItem]:
        if request.after is not None:
            return await self.media_pages.list_after(chosen, request.after, limit)
        if request.offset >= total:
            return []
        return await self.media_pages.list_page(chosen, request.offset, limit)
