"""Pages of a library, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.media.image import MediaKind
from domain.media.item import MediaItem

MAX_PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which ready items are meant; None stands for any."""

    owner_id: str | None = None
    kind: MediaKind | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place right behind an item, in the order of pages, whether that is still there or not."""

    created_at: datetime
    id: str

    @staticmethod
    def after_item(item: MediaItem) -> "Cursor":
        """The place where those begin that are shown after this item."""
        return Cursor(item.created_at, item.id)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page by its number, counted from 1; more than `MAX_PAGE_SIZE` a page is that.

    Pages are counted from the newest item on. With `after` only those behind it are meant, and
    the page is the first of them: whatever is uploaded or removed meanwhile, who goes from page
    to page so is shown nothing twice, and all that was there throughout.
    """

    number: int = 1
    per_page: int = 10
    after: Cursor | None = None

    @property
    def page_size(self) -> int:
        """How many items a page holds in the end."""
        return min(self.per_page, MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return (self.number - 1) * self.page_size


@dataclass(frozen=True, slots=True)
class Page:
    """The items of a page, and how many there are on all pages together.

    `next_after` is where the next page begins, or None when nothing comes after this one. A page
    may be shorter than asked for, even empty, and still not be the last.
    """

    items: Sequence[MediaItem]
    total: int
    request: PageRequest
    next_cursor: Cursor | None = None

    @property
    def total_pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.request.page_size)
