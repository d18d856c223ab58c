"""A model of the library: a list that is filtered, sorted and counted again each time."""

from dataclasses import dataclass, field

from domain.cursor import Cursor
from domain.media.item import MediaItem
from domain.media.page import ItemFilter


@dataclass(eq=False)
class Pagination:
    """A client that reads pages by cursor.

    `unchanged_ids` are the items that the filter selected from the start until now.
    """

    item_filter: ItemFilter
    page_size: int
    unchanged_ids: set[str]
    read_ids: list[str] = field(default_factory=list)
    cursor: Cursor | None = None


@dataclass
class LibraryModel:
    """The items that are visible, as the service returned them first, and what they contain.

    - `deleted_items` were visible and never are again.
    - `hidden` belong to deleted users: no page has them, but the total may count them until a
      cleanup is complete.
    """

    items: dict[str, MediaItem] = field(default_factory=dict)
    deleted_items: list[MediaItem] = field(default_factory=list)
    hidden: list[ItemFilter] = field(default_factory=list)
    paginations: list[Pagination] = field(default_factory=list)

    def list_items(self, item_filter: ItemFilter) -> list[MediaItem]:
        """Return the visible items of a filter, newest first."""
        items = [item for item in self.items.values() if is_selected(item, item_filter)]
        return sorted(items, key=lambda item: (item.created_at, item.id), reverse=True)

    def list_after(self, item_filter: ItemFilter, cursor: Cursor | None) -> list[MediaItem]:
        """Return the items after a cursor."""
        items = self.list_items(item_filter)
        if cursor is None:
            return items
        end = (cursor.created_at, cursor.id)
        return [item for item in items if (item.created_at, item.id) < end]

    def count_hidden(self, item_filter: ItemFilter) -> int:
        """Return how many more items the total may count."""
        return sum(is_selected(item, item_filter) for item in self.hidden)

    def add(self, item: MediaItem) -> None:
        """Add an uploaded item."""
        assert item.id not in self.items
        assert item.id not in {deleted.id for deleted in self.deleted_items}
        self.items[item.id] = item

    def change(self, item: MediaItem) -> None:
        """Change an item. A client that reads by cursor may miss it."""
        self.items[item.id] = item
        self._forget(item)

    def delete(self, item: MediaItem) -> None:
        """Delete an item."""
        self.deleted_items.append(self.items.pop(item.id))
        self._forget(item)

    def delete_user(self, user_id: str) -> None:
        """Delete all items of a user."""
        for item in [item for item in self.items.values() if item.owner_id == user_id]:
            self.delete(item)
            self.hidden.append(ItemFilter(user_id, item.kind, item.category))

    def _forget(self, item: MediaItem) -> None:
        for pagination in self.paginations:
            pagination.unchanged_ids.discard(item.id)


def is_selected(item: MediaItem | ItemFilter, item_filter: ItemFilter) -> bool:
    """Return whether a filter selects an item, or what a hidden item is described by."""
    return (
        item_filter.owner_id in (None, item.owner_id)
        and item_filter.kind in (None, item.kind)
        and item_filter.category in (None, item.category)
    )
