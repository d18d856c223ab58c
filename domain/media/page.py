"""Pages of a library, newest first, by number or by cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.media.image import MediaKind
from domain.media.item import MediaItem
from domain.page import MAX_PAGE_SIZE, Cursor

MAX_TOTAL: Final = 10_000
"""Items that are counted, and that pages by number reach: counting and skipping cost time."""


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which ready items are listed. None stands for any."""

    owner_id: str | None = None
    kind: MediaKind | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page by its number, counted from 1. At most `MAX_PAGE_SIZE` items are on a page.

    Pages count from the newest item and end at `MAX_TOTAL` items. With `after`, only items after
    that cursor are listed, and the page is the first of them. A client that follows cursors gets
    no item twice and misses none that existed all the time, even while items are added and
    deleted. Cursors lead to all items.
    """

    number: int = 1
    per_page: int = 10
    after: Cursor | None = None

    @property
    def page_size(self) -> int:
        """How many items a page has at most."""
        return min(self.per_page, MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return (self.number - 1) * self.page_size

    @property
    def is_too_deep(self) -> bool:
        """Whether only a cursor leads to this page."""
        return self.offset >= MAX_TOTAL


@dataclass(frozen=True, slots=True)
class Page:
    """The items of a page, and the number of items on all pages.

    `counted` goes to `MAX_TOTAL + 1`, which stands for more. It is None with a cursor: whoever
    follows cursors needs no number, which costs time. `next_cursor` is where the next page begins,
    None on the last page. A page may be shorter than requested, even empty, and still not be the
    last.
    """

    items: Sequence[MediaItem]
    counted: int | None
    request: PageRequest
    next_cursor: Cursor | None = None

    @property
    def total(self) -> int | None:
        """How many items there are, at most `MAX_TOTAL`."""
        return None if self.counted is None else min(self.counted, MAX_TOTAL)

    @property
    def is_total_exact(self) -> bool | None:
        """Whether there are no more items than `total`."""
        return None if self.counted is None else self.counted <= MAX_TOTAL

    @property
    def total_pages(self) -> int | None:
        """How many pages by number there are."""
        return None if self.total is None else -(-self.total // self.request.page_size)
