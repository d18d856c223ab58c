import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from adapters.sqlite.lane import Job, Lane

T = TypeVar("T")
Row = tuple[Any, ...]
Values = Mapping[str, object] | Sequence[object]


@dataclass(frozen=True, slots=True)
class Database:
    """An open file: what is read and what is written go their own ways."""

    reader: Lane
    writer: Lane

    async def row(self, sql: str, values: Values = ()) -> Row | None:
        """Give the first row, or None."""
        rows = await self.rows(sql, values)
        return rows[0] if rows else None

    async def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Give all rows."""

        def read(connection: sqlite3.Connection) -> list[Row]:
            return connection.execute(sql, values).fetchall()

        return await self.reader.run(read)

    async def changed(self, sql: str, values: Values = ()) -> int:
        """Do one statement, durably, and say how many rows it changed."""

        def write(connection: sqlite3.Connection) -> int:
            return connection.execute(sql, values).rowcount

        return await self.written(write)

    async def written(self, job: Job[T]) -> T:
        """Do several statements as one, durably, and give what the job gives."""
        return await self.writer.run(job)
