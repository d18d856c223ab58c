"""Columns of the metadata: the mark of a copy, and the id of the newest encryption key."""

from dataclasses import dataclass
from typing import Final

from adapters.databases.records.database_metadata import EMPTIED, METADATA_TABLE
from adapters.databases.records.newest_key import ENCRYPTION_KEY_ID
from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.record_store import Rows
from application.ports.errors import StorageUnavailable

# ruff: noqa: S608 -- the names are ours
_READ_KEY: Final = f"SELECT {ENCRYPTION_KEY_ID} FROM {METADATA_TABLE} WHERE id = 'database'"
_READ: Final = f"SELECT copy_mark FROM {METADATA_TABLE} WHERE id = 'database'"


@dataclass(frozen=True, slots=True)
class SqlCopyMark:
    """Reads and writes the mark."""

    rows: Rows
    dialect: Dialect

    async def read(self) -> str | None:
        [(mark,)] = await self.rows.read(_READ)
        return mark if isinstance(mark, str) else None

    async def write(self, mark: str | None, /) -> None:
        place = self.dialect.place
        sql = f"UPDATE {METADATA_TABLE} SET copy_mark = {place} WHERE id = 'database'"
        await self.rows.write(sql, (mark,))


@dataclass(frozen=True, slots=True)
class SqlKeyId:
    """Reads the id, and replaces it by compare and swap."""

    rows: Rows
    dialect: Dialect

    async def read(self) -> str | None:
        rows = await self.rows.read(_READ_KEY)
        if not rows:
            raise StorageUnavailable(EMPTIED)
        [(key_id,)] = rows
        return key_id if isinstance(key_id, str) else None

    async def replace(self, old: str | None, new: str, /) -> bool:
        place = self.dialect.place
        sql = (
            f"UPDATE {METADATA_TABLE} SET {ENCRYPTION_KEY_ID} = {place} "
            f"WHERE id = 'database' AND coalesce({ENCRYPTION_KEY_ID}, '') = {place}"
        )
        return bool(await self.rows.write(sql, (new, old or "")))
