"""A model of the library: a list that is filtered, sorted and counted again each time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from domain.media.image import MediaKind
from domain.media.page import ItemFilter
from domain.page import parse_cursor


class Filterable(Protocol):
    """What a filter looks at."""

    @property
    def owner_id(self) -> str: ...
    @property
    def kind(self) -> MediaKind: ...
    @property
    def category(self) -> str | None: ...


F = TypeVar("F", bound=Filterable)


@dataclass
class ModelUpload:
    """An upload by `uploader_id` to the library of `owner_id`; `item` is set once it is visible.

    The image of an upload is as many pixels wide as its number.
    """

    number: int
    uploader_id: str
    owner_id: str
    kind: MediaKind
    category: str | None
    started_at: datetime
    content: bytes
    item: "ModelItem | None" = None


@dataclass(frozen=True, slots=True)
class ModelItem:
    """An item of the library, from the upload of this number."""

    number: int
    id: str
    storage_key: str
    owner_id: str
    kind: MediaKind
    category: str | None
    created_at: datetime
    content: bytes

    @property
    def sort_key(self) -> tuple[datetime, str]:
        """The key of the order in pages. The greatest comes first."""
        return (self.created_at, self.id)


@dataclass
class LibraryModel:
    """The users and the items that are visible.

    - `deleted_items` were visible and never are again.
    - `maybe_counted` belong to deleted users: no page has them, but the total may count them
      until a cleanup is complete.
    """

    user_ids: set[str] = field(default_factory=set)
    items: dict[str, ModelItem] = field(default_factory=dict)
    deleted_items: list[ModelItem] = field(default_factory=list)
    maybe_counted: list[Filterable] = field(default_factory=list)

    def list_items(self, item_filter: ItemFilter) -> list[ModelItem]:
        """Return the visible items of a filter, newest first."""
        items = select(self.items.values(), item_filter)
        return sorted(items, key=lambda item: item.sort_key, reverse=True)

    def add(self, item: ModelItem) -> None:
        """Add an uploaded item."""
        assert item.id not in self.items
        assert item.id not in {deleted.id for deleted in self.deleted_items}
        self.items[item.id] = item

    def categorize(self, item: ModelItem, category: str | None) -> None:
        """Change the category of an item."""
        self.items[item.id] = replace(item, category=category)

    def delete(self, item: ModelItem) -> None:
        """Delete an item."""
        self.deleted_items.append(self.items.pop(item.id))

    def delete_user(self, user_id: str) -> list[ModelItem]:
        """Delete a user with all items, and return these."""
        self.user_ids.remove(user_id)
        items = [item for item in self.items.values() if item.owner_id == user_id]
        for item in items:
            self.delete(item)
        self.maybe_counted += items
        return items


@dataclass(eq=False)
class Pagination:
    """A client that reads pages by cursor.

    `unchanged_ids` are the items that the filter selected from the start until now.
    """

    item_filter: ItemFilter
    page_size: int
    unchanged_ids: set[str]
    read_items: list[ModelItem] = field(default_factory=list)
    cursor: str | None = None

    def remaining(self, items: Sequence[ModelItem]) -> list[ModelItem]:
        """Return the items after the cursor."""
        if self.cursor is None:
            return list(items)
        cursor = parse_cursor(self.cursor)
        return [item for item in items if item.sort_key < (cursor.created_at, cursor.id)]


def select(candidates: Iterable[F], item_filter: ItemFilter) -> Iterator[F]:
    """Return those that a filter selects."""
    return (
        candidate
        for candidate in candidates
        if item_filter.owner_id in (None, candidate.owner_id)
        and item_filter.kind in (None, candidate.kind)
        and item_filter.category in (None, candidate.category)
    )
