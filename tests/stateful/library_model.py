"""What the library has to show, told by the contract alone: a list, counted anew each time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from domain.media.image import MediaKind
from domain.media.page import ItemFilter, parse_cursor


class Sort(Protocol):
    """What a filter goes by."""

    @property
    def owner(self) -> str: ...
    @property
    def kind(self) -> MediaKind: ...
    @property
    def category(self) -> str | None: ...


@dataclass
class Upload:
    """What `principal` wants in the library of `owner`; `item` once it was seen there."""

    serial: int
    principal: str
    owner: str
    kind: MediaKind
    category: str | None
    begun: datetime
    content: bytes
    item: "Item | None" = None


S = TypeVar("S", bound=Sort)


@dataclass(frozen=True, slots=True)
class Item:
    """A picture that is in the library; `serial` says by which upload."""

    serial: int
    id: str
    key: str
    owner: str
    kind: MediaKind
    category: str | None
    created: datetime
    content: bytes

    @property
    def place(self) -> tuple[datetime, str]:
        """By what it comes before others, the greatest first."""
        return (self.created, self.id)


@dataclass
class LibraryModel:
    """Who is there, and what there is to be seen.

    `gone` was seen once and must never be again. `uncounted` belonged to somebody who is
    deleted: it is on no page, but the total may count it until a sweep has come to its end.
    """

    living: set[str] = field(default_factory=set)
    items: dict[str, Item] = field(default_factory=dict)
    gone: list[Item] = field(default_factory=list)
    uncounted: list[Sort] = field(default_factory=list)

    def listed(self, chosen: ItemFilter) -> list[Item]:
        """What is to be seen of this choice, the newest first."""
        return sorted(chosen_of(self.items.values(), chosen), key=lambda one: one.place)[::-1]

    def add(self, item: Item) -> None:
        """It was uploaded."""
        assert item.id not in self.items
        assert item.id not in {one.id for one in self.gone}
        self.items[item.id] = item

    def label(self, item: Item, category: str | None) -> None:
        """It got another category."""
        self.items[item.id] = replace(item, category=category)

    def remove(self, item: Item) -> None:
        """It was deleted."""
        self.gone.append(self.items.pop(item.id))

    def leave(self, owner: str) -> list[Item]:
        """Somebody was deleted, and all of theirs with them."""
        self.living.remove(owner)
        theirs = [item for item in self.items.values() if item.owner == owner]
        for item in theirs:
            self.remove(item)
        self.uncounted += theirs
        return theirs


@dataclass(eq=False)
class Walk:
    """Somebody goes through a choice by cursor; `throughout` was there from the beginning on."""

    chosen: ItemFilter
    per_page: int
    throughout: set[str]
    seen: list[Item] = field(default_factory=list)
    cursor: str | None = None

    def rest(self, listed: Sequence[Item]) -> list[Item]:
        """What comes behind the place that the cursor names."""
        if self.cursor is None:
            return list(listed)
        position = parse_cursor(self.cursor)
        return [item for item in listed if item.place < (position.created_at, position.id)]


def chosen_of(sorts: Iterable[S], chosen: ItemFilter) -> Iterator[S]:
    """Those that a filter lets through."""
    return (
        one
        for one in sorts
        if chosen.owner_id in (None, one.owner)
        and chosen.kind in (None, one.kind)
        and chosen.category in (None, one.category)
    )
