"""Loads rows by id: those that are wanted together in one statement."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from adapters.records.batch_loader import BatchLoader
from adapters.sqlite.database import Database
from application.ports.errors import CorruptRecord

_decode: Final = msgspec.json.Decoder(list[tuple[str, int, msgspec.Raw]]).decode
_encode: Final = msgspec.json.Encoder().encode

_UNREADABLE: Final = ""
"""A body that no mapping can decode."""
LoadedRow = tuple[int, msgspec.Raw | str]
"""The version of a row and its body, a record in JSON."""


def select_rows(table: str, version: str = "version") -> str:
    """Return the statement that finds rows by id; `version` is a column or an expression."""
    # Bodies are JSON, so their list is JSON too: nothing parses them before `_decode`.
    return f"""
    SELECT '[' || group_concat('[' || json_quote(id) || ',' || {version} || ',' || body || ']')
    || ']' FROM {table} WHERE id IN (SELECT value FROM json_each(?))
    """  # noqa: S608 -- our texts


def encode_ids(row_ids: Collection[str]) -> tuple[str]:
    """Return the values for `select_rows`."""
    return (_encode([*row_ids]).decode(),)


def decode_rows(row: tuple[str | None] | None) -> dict[str, LoadedRow]:
    """Return the rows that exist, by id, from the only row of the result.

    Raises:
        msgspec.DecodeError: one of the bodies is damaged.
    """
    rows = _decode(row[0]) if row and row[0] else []
    return {row_id: (version, body) for row_id, version, body in rows}


class RowLoader:
    """Loads rows of a table by id, in batches.

    One statement with one result releases the interpreter's lock a few times, a statement for each
    row as often for each; and each time another thread may take it.
    """

    def __init__(self, database: Database, table: str, version: str = "version") -> None:
        """Set the table, and the column or the expression of the version."""
        self._database = database
        self._find_each = select_rows(table, version)
        self._find_one = f"SELECT {version}, body FROM {table} WHERE id = ?"  # noqa: S608
        self._loader = BatchLoader(self._fetch)

    async def load(self, row_id: str) -> LoadedRow | None:
        """Return the row, or None.

        Raises:
            StorageError
        """
        return await self._loader.load(row_id)

    async def load_many(self, row_ids: Collection[str]) -> Mapping[str, LoadedRow]:
        """Return the rows that exist, by id.

        Raises:
            StorageError
        """
        return await self._loader.load_many(row_ids)

    async def _fetch(self, row_ids: Sequence[str]) -> Mapping[str, LoadedRow]:
        try:
            row = await self._database.read_row(self._find_each, encode_ids(row_ids))
            return decode_rows(row)
        except (CorruptRecord, msgspec.DecodeError):
            # A damaged body concerns only those who want its row.
            found = {row_id: await self._find(row_id) for row_id in row_ids}
            return {row_id: row for row_id, row in found.items() if row}

    async def _find(self, row_id: str) -> LoadedRow | None:
        try:
            row = await self._database.read_row(self._find_one, (row_id,))
        except CorruptRecord:  # it is no text
            return 0, _UNREADABLE
        return (row[0], row[1]) if row else None
