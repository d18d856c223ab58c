"""Pages of a library, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.media.item import MediaItem
from domain.media.picture import MediaKind

LARGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which ready items are meant; None stands for any."""

    owner: str | None = None
    kind: MediaKind | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page by its number, counted from 1; more than `LARGEST_PAGE` a page is that."""

    number: int = 1
    per_page: int = 10

    @property
    def size(self) -> int:
        """How many items a page holds in the end."""
        return min(self.per_page, LARGEST_PAGE)

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Page:
    """The items of a page, and how many there are on all pages together."""

    items: Sequence[MediaItem]
    total: int
    request: PageRequest

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.request.size)
