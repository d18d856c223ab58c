"""Pages of a library, newest first, by number or by cursor."""

from dataclasses import dataclass
from typing import Final

from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.features.media.image import MediaKind

MAX_TOTAL: Final = 10_000
"""Items that are counted, and that pages by number reach: counting and skipping cost time."""


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which ready items are listed, or which hidden ones. None stands for any."""

    owner_id: str | None = None
    kind: MediaKind | None = None
    category: str | None = None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page by its number, counted from 1. At most `MAX_PAGE_SIZE` items are on a page.

    Pages count from the newest item and end at `MAX_TOTAL` items. With `after`, only items after
    that cursor are listed, and the page is the first of them.
    """

    number: int = 1
    per_page: int = 10
    after: Cursor | None = None

    @property
    def page_size(self) -> int:
        return min(self.per_page, MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.page_size

    @property
    def is_too_deep(self) -> bool:
        """Whether only a cursor leads to this page."""
        return self.offset >= MAX_TOTAL
