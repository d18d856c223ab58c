"""The mark of a copy: a column of the metadata."""

from dataclasses import dataclass
from typing import Final

from adapters.databases.records.database_metadata import METADATA_TABLE
from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.record_store import Rows

# ruff: noqa: S608 -- the names are ours
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
