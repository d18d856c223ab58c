"""List, get, categorize and delete items of the library."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from application.features.media.deletions import MarkForDeletion
from application.features.media.media_urls import LibraryItem, MediaUrls
from application.features.media.ports import MediaFiles, MediaItems, StoredFile
from application.ports.errors import MediaStorageUnavailable
from application.ports.identities import Identities
from application.ports.versioned import Versioned
from application.principal import Principal
from application.record_act import RecordAct
from application.update import change
from domain.access import LibraryVisibility
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.cursor import Cursor
from domain.errors import Forbidden, PasskeyRequired, Unavailable
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.image import Image
from domain.features.media.item import (
    MAX_TOTAL,
    ItemFilter,
    MediaItem,
    PageRequest,
    parse_storage_key,
)


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """The items of a page with their URLs, and the number of items on all pages.

    `counted` above `MAX_TOTAL` stands for any higher number. It is None with a cursor: clients that
    follow cursors need no number, which costs time. `next_cursor` is where the next page begins,
    None on the last page. A page may be shorter than requested, even empty, and still not be the
    last.
    """

    items: Sequence[LibraryItem]
    counted: int | None
    request: PageRequest
    next_cursor: Cursor | None = None

    @property
    def total(self) -> int | None:
        """How many items there are, at most `MAX_TOTAL`."""
        return None if self.counted is None else min(self.counted, MAX_TOTAL)

    @property
    def is_total_exact(self) -> bool | None:
        return None if self.counted is None else self.counted <= MAX_TOTAL

    @property
    def total_pages(self) -> int | None:
        return None if self.total is None else -(-self.total // self.request.page_size)


@dataclass(frozen=True, slots=True)
class FindItem:
    """Find a ready item.

    Hidden items, items of deleted identities, and those that the principal may not see, are not
    found.
    """

    media_items: MediaItems
    identities: Identities
    visibility: LibraryVisibility

    async def __call__(self, principal: Principal | None, item_id: str) -> Versioned[MediaItem]:
        """Find the item. `principal` is None if nobody has to authenticate.

        Raises:
            ItemNotFound
        """
        loaded = await self.media_items.load(item_id)
        if loaded is None:
            raise ItemNotFound
        await self._check_visible(principal, loaded.value)
        return loaded

    async def for_change(self, item_id: str, principal: Principal) -> Versioned[MediaItem]:
        """Find the item for its owner or for moderation."""
        found = await self(principal, item_id)
        await self._check_change(found.value.owner_id, principal)
        return found

    async def check_change(self, item: MediaItem, principal: Principal) -> None:
        """Check that `for_change` would find this item. It raises the same errors."""
        await self._check_visible(principal, item)
        await self._check_change(item.owner_id, principal)

    async def _check_change(self, owner_id: str, principal: Principal) -> None:
        principal.check_can_act_for(owner_id, Scope.MODERATE_LIBRARY)
        if owner_id != principal.identity.id:
            owner = await self.identities.load(owner_id)
            if owner is not None:
                principal.check_rank(owner.value)

    async def _check_visible(self, principal: Principal | None, item: MediaItem) -> None:
        if not item.is_ready:
            raise ItemNotFound
        try:
            if principal is not None:
                principal.check_can_view_items_of(item.owner_id, self.visibility)
        except PasskeyRequired:
            raise
        except Forbidden:
            raise ItemNotFound from None
        if await self.identities.find_deleted([item.owner_id]):
            raise ItemNotFound


@dataclass(frozen=True, slots=True)
class ListItems:
    """List a page of the library, newest first. Items of deleted identities are left out.

    A page with such items is shorter, and the next page begins after the last item that was read,
    listed or not. So a client that follows the cursors gets all items.
    """

    media_items: MediaItems
    identities: Identities
    media_urls: MediaUrls
    visibility: LibraryVisibility

    async def __call__(
        self, principal: Principal, item_filter: ItemFilter, request: PageRequest
    ) -> LibraryPage:
        if item_filter.owner_id is not None:
            principal.check_can_view_items_of(item_filter.owner_id, self.visibility)
        elif self.visibility is LibraryVisibility.OWNER and not principal.has_scope(
            Scope.READ_LIBRARY
        ):
            item_filter = replace(item_filter, owner_id=principal.identity.id)
        owner_id = item_filter.owner_id
        # One item more than a page has shows whether there is a next page.
        read = await self._items(item_filter, request, request.page_size + 1)
        owner_ids = {owner_id} if owner_id else {item.owner_id for item in read}
        counted, deleted = await asyncio.gather(
            self._count(item_filter, request, len(read)),
            # The principal's own identity was read before.
            self.identities.find_deleted(owner_ids - {principal.identity.id}),
        )
        if owner_id in deleted:
            return LibraryPage([], None if counted is None else 0, request)
        page_items = read[: request.page_size]
        next_cursor = None
        if len(read) > request.page_size:
            last = page_items[-1]
            next_cursor = Cursor(last.created_at, last.id)
        listed = [
            await self.media_urls.make_library_item(item)
            for item in page_items
            if item.owner_id not in deleted
        ]
        return LibraryPage(listed, counted, request, next_cursor)

    async def _items(
        self, item_filter: ItemFilter, request: PageRequest, limit: int
    ) -> Sequence[MediaItem]:
        if request.after is not None:
            return await self.media_items.list_after(item_filter, request.after, limit)
        return await self.media_items.list_page(item_filter, request.offset, limit)

    async def _count(
        self, item_filter: ItemFilter, request: PageRequest, number_read: int
    ) -> int | None:
        if request.after is not None:
            return None
        # The last page shows how many items there are, a page after it does not.
        is_last = number_read <= request.page_size and (number_read or request.number == 1)
        if is_last:
            return request.offset + number_read
        return await self.media_items.count(item_filter, MAX_TOTAL + 1)


@dataclass(frozen=True, slots=True)
class GetItem:
    """Get an item that the principal sees."""

    find_item: FindItem
    media_urls: MediaUrls

    async def __call__(self, principal: Principal, item_id: str) -> LibraryItem:
        item = (await self.find_item(principal, item_id)).value
        return await self.media_urls.make_library_item(item)


@dataclass(frozen=True, slots=True)
class CategorizeItem:
    """Change an item's category: for its owner, and for moderation."""

    find_item: FindItem
    media_items: MediaItems
    media_urls: MediaUrls
    record_act: RecordAct

    async def __call__(
        self, principal: Principal, item_id: str, category: str | None
    ) -> LibraryItem:
        """Categorize the item.

        Raises:
            ItemNotFound
        """

        async def categorize(item: MediaItem) -> tuple[MediaItem, MediaItem]:
            await self.find_item.check_change(item, principal)
            categorized = item.categorize(category)
            return categorized, categorized

        found = await self.find_item.for_change(item_id, principal)
        owner_id = found.value.owner_id
        async with self.record_act.for_another(
            principal, AuditAction.CHANGE_ITEM, owner_id, item_id
        ):
            item = await change(
                self.media_items, item_id, categorize, missing=ItemNotFound, loaded=found
            )
        return await self.media_urls.make_library_item(item)


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Delete an item. From the write on neither it nor its file is shown."""

    find_item: FindItem
    mark_for_deletion: MarkForDeletion
    record_act: RecordAct

    async def __call__(self, principal: Principal, item_id: str) -> None:
        loaded = await self.find_item.for_change(item_id, principal)
        owner_id = loaded.value.owner_id
        async with self.record_act.for_another(
            principal, AuditAction.DELETE_ITEM, owner_id, item_id
        ):
            await self.mark_for_deletion.mark_if(
                loaded, lambda item: self.find_item.check_change(item, principal)
            )


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a ready item. It never changes."""

    storage_key: str
    image: Image
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open the file with a storage key.

    - The file of a deleted or hidden item, or of a deleted identity, is not served, even while the
      store still has it.
    - A token opens the files of the items that the principal may see.
    """

    find_item: FindItem
    media_files: MediaFiles

    async def find(self, storage_key: str, principal: Principal | None = None) -> FoundFile:
        """Find the file without opening it. `principal` is None if the URL is enough.

        Raises:
            MediaFileNotFound
        """
        item_id = parse_storage_key(storage_key)
        if item_id is None:
            raise MediaFileNotFound
        try:
            item = (await self.find_item(principal, item_id)).value
        except ItemNotFound:
            raise MediaFileNotFound from None
        image = item.find_image(storage_key)
        if image is None:
            raise MediaFileNotFound
        return FoundFile(storage_key, image, item.created_at)

    async def get_size(self, file: FoundFile) -> int:
        """Return the size of the stored file in bytes.

        Raises:
            MediaFileNotFound
            Unavailable: The media store does not answer.
        """
        try:
            size = await self.media_files.get_size(file.storage_key)
        except MediaStorageUnavailable as error:
            raise Unavailable from error
        if size is None:
            raise MediaFileNotFound
        return size

    @asynccontextmanager
    async def __call__(
        self, file: FoundFile, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile]:
        """Open the file, from `start` to before `stop`, until the end of the block.

        Raises:
            MediaFileNotFound
            Unavailable: The media store does not answer.
        """
        async with AsyncExitStack() as stack:
            try:
                opening = self.media_files.open_file(file.storage_key, start, stop)
                stored = await stack.enter_async_context(opening)
            except MediaStorageUnavailable as error:
                raise Unavailable from error
            if stored is None:
                raise MediaFileNotFound
            yield stored
