"""Loads rows by id: those that are wanted together in one statement."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from adapters.records.batch_loader import BatchLoader
from adapters.records.record_kind import RecordKind
from adapters.sqlite.database import SqliteDatabase
from application.ports.errors import CorruptRecord

_decode: Final = msgspec.json.Decoder(list[tuple[str, int, msgspec.Raw]]).decode

UNREADABLE: Final = ""
"""A body that no kind can decode."""
LoadedRow = tuple[int, msgspec.Raw | str]
"""The version of a row and its body, a record in JSON."""


def rows_as_json(columns: Sequence[str], rows: str) -> str:
    """Return a statement whose only row has all rows of a query, in JSON.

    For each row of a result, the thread may have to wait for the interpreter's lock. Bodies are
    JSON, so their list is JSON too: nothing parses them before it is decoded. SQLite does not
    promise its order.

    Args:
        columns: What each row has after its id: columns or expressions of JSON that are not NULL.
        rows: A table with a condition, or a subquery.
    """
    row = " || ',' || ".join(["'[' || json_quote(id)", *columns])
    return f"SELECT '[' || group_concat({row} || ']') || ']' FROM {rows}"  # noqa: S608 -- our texts


def decode_rows(row: Sequence[Any] | None) -> list[tuple[str, int, msgspec.Raw]]:
    """Return id, version and body of each row, from the only row of the result.

    Raises:
        msgspec.DecodeError: One of the bodies is damaged.
    """
    return _decode(row[0]) if row and row[0] else []


@cache
def select_rows(table: str, count: int, version: str = "version") -> str:
    """Return the statement that finds up to this number of rows by id.

    The ids are parameters, because functions for JSON end a text at a zero byte.
    """
    ids = ", ".join("?" * count)
    return rows_as_json([version, "body"], f"{table} WHERE id IN ({ids})")


class RowLoader:
    """Loads rows of a kind by id, in batches.

    One statement with one result releases the interpreter's lock a few times, a statement for each
    row as often for each; and each time another thread may take it.
    """

    def __init__(
        self, database: SqliteDatabase, kind: RecordKind[Any], version: str = "version"
    ) -> None:
        """Set the kind, and the column or the expression of the version."""
        self._database = database
        self._table = kind.name
        self._version = version
        self._find_one = f"SELECT {version}, body FROM {kind.name} WHERE id = ?"  # noqa: S608
        self._loader = BatchLoader(self._fetch)

    async def load_many(self, row_ids: Collection[str]) -> Mapping[str, LoadedRow]:
        """Return the rows that exist, by id.

        Raises:
            StorageError
        """
        return await self._loader.load_many(row_ids)

    async def _fetch(self, row_ids: Sequence[str]) -> Mapping[str, LoadedRow]:
        sql = select_rows(self._table, len(row_ids), self._version)
        try:
            rows = decode_rows(await self._database.read_row(sql, row_ids))
        except (CorruptRecord, msgspec.DecodeError):
            # A damaged body concerns only those who want its row.
            found = {row_id: await self._find(row_id) for row_id in row_ids}
            return {row_id: row for row_id, row in found.items() if row}
        return {row_id: (version, body) for row_id, version, body in rows}

    async def _find(self, row_id: str) -> LoadedRow | None:
        try:
            row = await self._database.read_row(self._find_one, (row_id,))
        except CorruptRecord:  # it is no text
            return 0, UNREADABLE
        return (row[0], row[1]) if row else None
