"""Media items in SQLite: by id, in pages, and those to be cleaned up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.versioned import Versioned
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from domain.media.usage import MediaUsage
from domain.page import Cursor

_OWNED_BY: Final = "WHERE state IN ('pending', 'ready') AND owner_id = ? LIMIT ?"

_READY_SIZES: Final = """
SELECT id, json_extract(body, '$.image.bytes'), json_extract(body, '$.schema_version')
FROM media_items
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

_REFUSED_DELETIONS: Final = """
INDEXED BY media_items_page WHERE state = 'deletion_refused' ORDER BY created_at LIMIT ?
"""


class SqliteMediaItems(RecordTable[MediaItem]):
    """The items of the library, in any state. Each query reads a range of an index.

    Each combination of filters has an index in the order of the pages. Statements name it, because
    SQLite would sometimes choose a longer index.
    """

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[MediaItem]:
        """List ready items after the first `offset`."""
        return await self._list(item_filter, "", limit, offset)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
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
    ) -> Sequence[MediaItem]:
        ready, values = _from_ready_items(item_filter)
        sql = f"""
        SELECT '[' || group_concat(body) || ']' FROM (
            SELECT body {ready} {after} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?
        )
        """  # noqa: S608 -- no value is in it
        # One row: for each, the thread would wait for the interpreter's lock.
        [(bodies,)] = await self.database.read_rows(sql, (*values, *position))
        items = self.mapping.decode_list(bodies) if bodies else []
        # SQLite does not promise the order in a group.
        return sorted(items, key=lambda item: (item.created_at, item.id), reverse=True)

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items of an owner that are not marked for deletion."""
        return await self.list(_OWNED_BY, (owner_id, limit))

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items in any state after this id."""
        return await self.list("WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))

    async def list_ready_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready item of an owner."""
        rows = await self.database.read_rows(_READY_SIZES, (owner_id,))
        known = self.mapping.schema_version
        sizes = {item_id: size for item_id, size, version in rows if size and version == known}
        # Others are upgraded, or an error: damaged, or written by a newer program.
        for item_id in {row[0] for row in rows} - sizes.keys():
            if loaded := await self.load(item_id):
                sizes[item_id] = loaded.value.image.bytes
        return sizes

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """List the ids of an owner's items whose deletion was requested after this time."""
        values = (owner_id, to_column(requested_after))
        return [key for (key,) in await self.database.read_rows(_DELETING_IDS, values)]

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List pending items whose upload deadline has passed."""
        return await self.list(_EXPIRED_UPLOADS, (to_column(now), limit))

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List items that were marked for deletion by this time."""
        return await self.list_until("deletion_requested_at", requested_before, limit)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items whose file the store refused to delete."""
        return await self.list(_REFUSED_DELETIONS, (limit,))


class SqliteMediaUsages(RecordTable[MediaUsage]):
    """What users have in the library, by the id of the user."""

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages that are due to be counted anew."""
        return await self.list_until("recount_at", now, limit)


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
