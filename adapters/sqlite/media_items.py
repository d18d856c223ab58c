"""Media items in SQLite: by id, in pages, and those to be cleaned up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.records import MEDIA_ITEMS
from adapters.sqlite.database import Database
from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.errors import StorageUnavailable
from application.ports.media_items import PageItem
from application.ports.versioned import Versioned
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor

_OWNED_BY: Final = "WHERE state IN ('pending', 'ready') AND owner_id = ? LIMIT ?"

_READY_SIZES: Final = """
SELECT id, json_extract(body, '$.image.bytes') FROM media_items
INDEXED BY media_items_page_owner_id WHERE state = 'ready' AND owner_id = ?
"""

_DELETING_IDS: Final = """
SELECT id FROM media_items INDEXED BY media_items_page_owner_id
WHERE state IN ('deleting', 'deletion_refused') AND owner_id = ? AND deletion_requested_at > ?
"""

_EXPIRED_UPLOADS: Final = """
INDEXED BY media_items_upload_deadline
WHERE state = 'pending' AND upload_deadline <= ? ORDER BY upload_deadline LIMIT ?
"""

_DELETING: Final = "WHERE deletion_requested_at <= ? ORDER BY deletion_requested_at LIMIT ?"

_REFUSED_DELETIONS: Final = """
INDEXED BY media_items_page WHERE state = 'deletion_refused' ORDER BY created_at LIMIT ?
"""

_HAS_DELETED_OWNER: Final = """
EXISTS (
    SELECT 1 FROM identities
    WHERE identities.id = media_items.owner_id AND identities.deleted_at IS NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class SqliteMediaItems:
    """The items of the library, in any state."""

    table: RecordTable[MediaItem]

    async def add(self, item: MediaItem) -> None:
        """Add the item at version 1."""
        if not await self.table.add(item.id, item):
            raise StorageUnavailable("an item has the same id")

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Load the item, or return None."""
        return await self.table.load(item_id)

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Replace the item if it has this version."""
        return await self.table.replace(item.id, item, version)

    async def delete(self, item_id: str, version: int) -> bool:
        """Delete the item if it has this version."""
        return await self.table.delete(item_id, version)


@dataclass(frozen=True, slots=True)
class SqliteMediaPages:
    """Ready items, newest first. Each combination of filters has an index in this order.

    Statements name it, because SQLite would sometimes choose a longer index.
    """

    database: Database

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[PageItem]:
        """List ready items after the first `offset`."""
        return await self._list(item_filter, "", limit, offset)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[PageItem]:
        """List ready items after a position."""
        after = "AND (created_at, id) < (?, ?)"
        return await self._list(
            item_filter, after, to_column(cursor.created_at), cursor.id, limit, 0
        )

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Return the number of ready items, at most `limit`."""
        ready, values = _from_ready_items(item_filter)
        sql = f"SELECT count(*) FROM (SELECT 1 {ready} LIMIT ?)"  # noqa: S608 -- no value is in it
        [(count,)] = await self.database.read_rows(sql, (*values, limit))
        return int(count)

    async def _list(
        self, item_filter: ItemFilter, after: str, *position: object
    ) -> Sequence[PageItem]:
        ready, values = _from_ready_items(item_filter)
        sql = f"""
        SELECT {_HAS_DELETED_OWNER}, body {ready} {after}
        ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?
        """
        rows = await self.database.read_rows(sql, (*values, *position))
        return [
            PageItem(MEDIA_ITEMS.decode(body), bool(has_deleted_owner))
            for has_deleted_owner, body in rows
        ]


def _from_ready_items(item_filter: ItemFilter) -> tuple[str, Sequence[str]]:
    columns = {
        "owner_id": item_filter.owner_id,
        "kind": item_filter.kind,
        "category": item_filter.category,
    }
    filters = {name: value for name, value in columns.items() if value is not None}
    index = "_".join(["media_items_page", *filters])
    conditions = ["state = 'ready'", *(f"{name} = ?" for name in filters)]
    ready = f"FROM media_items INDEXED BY {index} WHERE {' AND '.join(conditions)}"
    return ready, [*filters.values()]


@dataclass(frozen=True, slots=True)
class SqliteMediaCleanup:
    """Items to be cleaned up. Each query reads a range of an index."""

    table: RecordTable[MediaItem]

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items of an owner that are not marked for deletion."""
        return await self.table.list(_OWNED_BY, (owner_id, limit))

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items in any state after this id."""
        return await self.table.list("WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready item of an owner."""
        return dict(await self.table.database.read_rows(_READY_SIZES, (owner_id,)))

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """List the ids of an owner's items whose deletion was requested after this time."""
        values = (owner_id, to_column(requested_after))
        return [key for (key,) in await self.table.database.read_rows(_DELETING_IDS, values)]

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List pending items whose upload deadline has passed."""
        return await self.table.list(_EXPIRED_UPLOADS, (to_column(now), limit))

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List items that were marked for deletion by this time."""
        return await self.table.list(_DELETING, (to_column(requested_before), limit))

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items whose file the store refused to delete."""
        return await self.table.list(_REFUSED_DELETIONS, (limit,))
