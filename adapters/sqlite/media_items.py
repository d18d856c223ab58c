from dataclasses import dataclass
from typing import Final

from adapters.sqlite.body import Body, micros, micros_or_none
from adapters.sqlite.database import Database
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem

BODY: Final = Body(MediaItem)

_LOAD: Final = "SELECT version, body FROM media_items WHERE id = ?"
_FIND: Final = "SELECT body FROM media_items WHERE file_key = ?"
_REMOVE: Final = "DELETE FROM media_items WHERE id = ? AND version = ?"

_ADD: Final = """
INSERT INTO media_items
    (id, version, file_key, owner, kind, category, shown, leased, doomed, body)
VALUES
    (:id, 1, :file_key, :owner, :kind, :category, :shown, :leased, :doomed, :body)
"""

_REPLACE: Final = """
UPDATE media_items
SET version = version + 1, file_key = :file_key, owner = :owner, kind = :kind,
    category = :category, shown = :shown, leased = :leased, doomed = :doomed, body = :body
WHERE id = :id AND version = :version
"""


@dataclass(frozen=True, slots=True)
class SqliteMediaItems:
    """The records of the library."""

    database: Database

    async def add(self, item: MediaItem) -> None:
        await self.database.changed(_ADD, _columns(item))

    async def load(self, item_id: str) -> Versioned[MediaItem] | None:
        row = await self.database.row(_LOAD, (item_id,))
        return BODY.versioned(*row) if row else None

    async def find_by_storage_key(self, storage_key: str) -> MediaItem | None:
        row = await self.database.row(_FIND, (storage_key,))
        return BODY.read(*row) if row else None

    async def replace(self, item: MediaItem, version: int) -> bool:
        return bool(await self.database.changed(_REPLACE, {**_columns(item), "version": version}))

    async def delete(self, item_id: str, version: int) -> bool:
        return bool(await self.database.changed(_REMOVE, (item_id, version)))


def _columns(item: MediaItem) -> dict[str, object]:
    return {
        "id": item.id,
        "file_key": item.storage_key,
        "owner": item.owner_id,
        "kind": item.kind,
        "category": item.category,
        "shown": micros(item.created_at) if item.state is ItemState.READY else None,
        "leased": micros(item.upload_deadline) if item.state is ItemState.PENDING else None,
        "doomed": micros_or_none(item.deletion_requested_at),
        "body": BODY.write(item),
    }
