from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.sqlite.body import micros
from adapters.sqlite.database import Database
from adapters.sqlite.media_items import BODY
from domain.media.item import MediaItem
from domain.media.page import Cursor, ItemFilter

_LARGEST_INTEGER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SqliteMediaPages:
    """Ready items; each way of choosing them has an index in the order of the pages."""

    database: Database

    async def list_page(self, chosen: ItemFilter, offset: int, limit: int) -> Sequence[MediaItem]:
        values = _values(chosen)
        sql = f"{_ready('body', values)} ORDER BY shown DESC, id DESC LIMIT :limit OFFSET :offset"
        # A page number has no upper bound, SQLite's integers do.
        places = {"limit": limit, "offset": min(offset, _LARGEST_INTEGER)}
        return [BODY.read(*row) for row in await self.database.rows(sql, {**values, **places})]

    async def list_after(
        self, chosen: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        values = _values(chosen)
        after = f"{_ready('body', values)} AND (shown, id) < (:created, :after)"
        sql = f"{after} ORDER BY shown DESC, id DESC LIMIT :limit"
        place = {"created": micros(cursor.created_at), "after": cursor.id, "limit": limit}
        return [BODY.read(*row) for row in await self.database.rows(sql, {**values, **place})]

    async def count(self, chosen: ItemFilter) -> int:
        values = _values(chosen)
        [(total,)] = await self.database.rows(_ready("count(*)", values), values)
        return int(total)


def _values(chosen: ItemFilter) -> dict[str, str]:
    columns = {"owner": chosen.owner_id, "kind": chosen.kind, "category": chosen.category}
    return {name: value for name, value in columns.items() if value is not None}


def _ready(what: str, columns: dict[str, str]) -> str:
    conditions = ["shown IS NOT NULL", *(f"{name} = :{name}" for name in columns)]
    where = " AND ".join(conditions)
    return f"SELECT {what} FROM media_items WHERE {where}"  # noqa: S608 -- all of it is ours
