"""Media items in SQLite: by id, in pages, and those to be cleaned up."""

import sqlite3
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import MediaItemMapping, to_microseconds, to_microseconds_or_none
from application.bounded_cache import BoundedCache
from application.gathering import Completed
from application.ports.media_items import PageItem
from application.ports.versioned import Versioned
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor
from domain.values import dataclass

MAX_COUNTS: Final = 1_000
"""Combinations of filters whose counts are remembered; each may name an owner and a category."""

_LOAD: Final = "SELECT version, schema_version, body FROM media_items WHERE id = ?"
_FIND: Final = "SELECT version, schema_version, body FROM media_items WHERE storage_key = ?"
_DELETE: Final = "DELETE FROM media_items WHERE id = ? AND version = ?"

_ADD: Final = """
INSERT INTO media_items (
    id, version, schema_version, storage_key, owner_id, kind, category, created_at, state,
    upload_deadline, deletion_requested_at, body
) VALUES (
    :id, 1, :schema_version, :storage_key, :owner_id, :kind, :category, :created_at, :state,
    :upload_deadline, :deletion_requested_at, :body
)
"""

_REPLACE: Final = """
UPDATE media_items
SET version = version + 1, schema_version = max(schema_version, :schema_version),
    storage_key = :storage_key, owner_id = :owner_id, kind = :kind, category = :category,
    created_at = :created_at, state = :state, upload_deadline = :upload_deadline,
    deletion_requested_at = :deletion_requested_at, body = :body
WHERE id = :id AND version = :version
"""

_LIST_BY_OWNER: Final = """
SELECT version, schema_version, body FROM media_items
WHERE state IN ('pending', 'ready') AND owner_id = ? LIMIT ?
"""

_LIST_EXPIRED_UPLOADS: Final = """
SELECT version, schema_version, body FROM media_items INDEXED BY media_items_upload_deadline
WHERE state = 'pending' AND upload_deadline <= ? ORDER BY upload_deadline LIMIT ?
"""

_LIST_DELETING: Final = """
SELECT version, schema_version, body FROM media_items
WHERE deletion_requested_at <= ? ORDER BY deletion_requested_at LIMIT ?
"""

_LIST_REFUSED_DELETIONS: Final = """
SELECT version, schema_version, body FROM media_items INDEXED BY media_items_page
WHERE state = 'deletion_refused' ORDER BY created_at LIMIT ?
"""

_FIND_CHANGE_NUMBER: Final = "SELECT value FROM metadata WHERE name = 'media_item_changes'"

_HAS_DELETED_OWNER: Final = """
EXISTS (
    SELECT 1 FROM identities
    WHERE identities.id = media_items.owner_id AND identities.deleted_at IS NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class SqliteMediaItems:
    """The items of the library, in any state."""

    database: Database
    mapping: MediaItemMapping

    async def add(self, item: MediaItem) -> None:
        """Add the item at version 1."""
        await self.database.execute(_ADD, self._to_values(item, 0), is_quick=True)

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        """Load the item, or return None."""
        row = await self.database.fetch_one(_LOAD, (item_id,))
        return self.mapping.decode(*row) if row else None

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        """Find the item whose file has this storage key."""
        row = await self.database.fetch_one(_FIND, (storage_key,))
        return self.mapping.decode(*row).value if row else None

    async def replace(self, item: MediaItem, version: int) -> bool:
        """Replace the item if it has this version."""
        return bool(
            await self.database.execute(_REPLACE, self._to_values(item, version), is_quick=True)
        )

    async def delete(self, item_id: str, version: int) -> bool:
        """Delete the item if it has this version."""
        return bool(await self.database.execute(_DELETE, (item_id, version)))

    def _to_values(self, item: MediaItem, version: int) -> dict[str, object]:
        stored = self.mapping.to_stored(item)
        return {
            "id": stored.id,
            "version": version,
            "schema_version": self.mapping.schema_version,
            "storage_key": stored.storage_key,
            "owner_id": stored.owner_id,
            "kind": item.kind,
            "category": stored.category,
            "created_at": to_microseconds(stored.created_at),
            "state": stored.state,
            "upload_deadline": to_microseconds(stored.upload_deadline),
            "deletion_requested_at": to_microseconds_or_none(stored.deletion_requested_at),
            "body": self.mapping.encode(stored, version),
        }


@dataclass(frozen=True, slots=True)
class SqliteMediaPages:
    """Ready items, newest first. Each combination of filters has an index in this order.

    Statements name it, because SQLite would sometimes choose a longer index.

    Items are counted again only after a change: triggers number the changes of all processes. The
    number is read from the same snapshot.
    """

    database: Database
    mapping: MediaItemMapping
    counts: BoundedCache[tuple[ItemFilter, int], tuple[int, int]] = field(
        default_factory=lambda: BoundedCache(MAX_COUNTS), repr=False, compare=False
    )
    """The number of the last change, and how many items there were then.

    The reader's thread uses it.
    """

    def last_change(self) -> Awaitable[int | None]:
        """Return no number: the one for counts does not tell of deleted identities."""
        return Completed(None)

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[PageItem]:
        """List ready items after the first `offset`."""
        values = {"limit": limit, "offset": offset}
        return await self._list(item_filter, "", "OFFSET :offset", values)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[PageItem]:
        """List ready items after a position."""
        values = {
            "limit": limit,
            "after_created_at": to_microseconds(cursor.created_at),
            "after_id": cursor.id,
        }
        after = "AND (created_at, id) < (:after_created_at, :after_id)"
        return await self._list(item_filter, after, "", values)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Return the number of ready items, at most `limit`."""
        return await self.database.read(partial(self._count, item_filter, limit))

    def _count(self, item_filter: ItemFilter, limit: int, connection: sqlite3.Connection) -> int:
        [change_number] = connection.execute(_FIND_CHANGE_NUMBER).fetchone()
        known = self.counts.get((item_filter, limit))
        if known is not None and known[0] == change_number:
            return known[1]
        filters = _filter_values(item_filter)
        ready = f"SELECT 1 {_from_ready_items(filters)} LIMIT :limit"
        sql = f"SELECT count(*) FROM ({ready})"  # noqa: S608 -- no value is in the text
        count: int
        [count] = connection.execute(sql, {**filters, "limit": limit}).fetchone()
        self.counts.put((item_filter, limit), (change_number, count))
        return count

    async def _list(
        self, item_filter: ItemFilter, after: str, offset: str, values: Mapping[str, object]
    ) -> Sequence[PageItem]:
        filters = _filter_values(item_filter)
        sql = f"""
        SELECT {_HAS_DELETED_OWNER}, version, schema_version, body
        {_from_ready_items(filters)} {after}
        ORDER BY created_at DESC, id DESC LIMIT :limit {offset}
        """
        rows = await self.database.fetch_all(sql, {**filters, **values})
        return [
            PageItem(self.mapping.decode(*record).value, bool(has_deleted_owner))
            for has_deleted_owner, *record in rows
        ]


def _filter_values(item_filter: ItemFilter) -> dict[str, str]:
    columns = {
        "owner_id": item_filter.owner_id,
        "kind": item_filter.kind,
        "category": item_filter.category,
    }
    return {name: value for name, value in columns.items() if value is not None}


def _from_ready_items(filters: dict[str, str]) -> str:
    index = "_".join(["media_items_page", *filters])
    conditions = ["state = 'ready'", *(f"{name} = :{name}" for name in filters)]
    return f"FROM media_items INDEXED BY {index} WHERE {' AND '.join(conditions)}"


@dataclass(frozen=True, slots=True)
class SqliteMediaCleanup:
    """Items to be cleaned up. Each query reads a range of an index."""

    database: Database
    mapping: MediaItemMapping

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items of an owner that are not marked for deletion."""
        return await self._list(_LIST_BY_OWNER, owner_id, limit)

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List pending items whose upload deadline has passed."""
        return await self._list(_LIST_EXPIRED_UPLOADS, to_microseconds(now), limit)

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List items that were marked for deletion by this time."""
        return await self._list(_LIST_DELETING, to_microseconds(requested_before), limit)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items whose file the store refused to delete."""
        return await self._list(_LIST_REFUSED_DELETIONS, limit)

    async def _list(self, sql: str, *values: object) -> Sequence[Versioned[MediaItem]]:
        return [self.mapping.decode(*row) for row in await self.database.fetch_all(sql, values)]
