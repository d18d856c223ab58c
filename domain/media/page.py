"""Pages of a library, newest first, by number or by cursor."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import InvalidCursor
from domain.media.image import MediaKind
from domain.media.item import MediaItem

MAX_PAGE_SIZE: Final = 100
MAX_TOTAL: Final = 10_000
"""Items that are counted, and that pages by number reach: counting and skipping cost time."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# 14 hex digits of microseconds (until the year 4253) and an id. Every text of this form is a
# cursor, and every cursor has exactly one text.
_CURSOR: Final = re.compile(r"([0-9a-f]{14})([0-9a-f]{24})\Z")


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which ready items are listed. None stands for any."""

    owner_id: str | None = None
    kind: MediaKind | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position directly after an item, whether that item still exists or not."""

    created_at: datetime
    id: str

    @staticmethod
    def after_item(item: MediaItem) -> "Cursor":
        """Return the position where the items after this one begin."""
        return Cursor(item.created_at, item.id)


def encode_cursor(cursor: Cursor) -> str:
    """Encode a cursor. `parse_cursor` restores it to the microsecond."""
    return f"{(cursor.created_at - _EPOCH) // _MICROSECOND:014x}{cursor.id}"


def parse_cursor(text: str) -> Cursor:
    """Parse a cursor from a page.

    Raises:
        InvalidCursor: the text is not a cursor.
    """
    match = _CURSOR.match(text)
    if match is None:
        raise InvalidCursor(
            "This is not a cursor. Send the next_cursor of a page unchanged, or none to start."
        )
    return Cursor(_EPOCH + int(match[1], 16) * _MICROSECOND, match[2])


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

    `counted` goes to `MAX_TOTAL + 1`, which stands for more. `next_cursor` is where the next page
    begins, None on the last page. A page may be shorter than requested, even empty, and still not
    be the last.
    """

    items: Sequence[MediaItem]
    counted: int
    request: PageRequest
    next_cursor: Cursor | None = None

    @property
    def total(self) -> int:
        """How many items there are, at most `MAX_TOTAL`."""
        return min(self.counted, MAX_TOTAL)

    @property
    def is_total_exact(self) -> bool:
        """Whether there are no more items than `total`."""
        return self.counted <= MAX_TOTAL

    @property
    def total_pages(self) -> int:
        """How many pages by number there are."""
        return -(-self.total // self.request.page_size)
