"""Loads rows by id: those that are wanted together in one statement."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, Final

import msgspec

from adapters.databases.records.batch_loader import BatchLoader
from adapters.databases.sqlite.database import SqliteDatabase
from application.ports.errors import CorruptRecord

_decode: Final = msgspec.json.Decoder(list[tuple[str, int, msgspec.Raw]]).decode

LoadedRow = tuple[int, msgspec.Raw]
"""The version of a row and its body, which may be damaged."""


def rows_as_json(columns: Sequence[str], rows: str) -> str:
    """Return a statement whose only row has all rows of a query, in JSON.

    For each row of a result, the thread may have to wait for the interpreter's lock. Bodies are
    JSON, so their list is JSON too: nothing parses them before it is decoded. SQLite does not
    promise its order. A row with NULL, which has none of the right types, would be missing from the
    list.

    `columns` are what each row has after its id: columns or expressions of JSON.
    """
    values = (f"ifnull({column}, 'null')" for column in columns)
    row = " || ',' || ".join(["'[' || json_quote(id)", *values])
    return f"SELECT '[' || group_concat({row} || ']') || ']' FROM {rows}"  # noqa: S608 -- our texts


def decode_rows(table: str, row: Sequence[Any] | None) -> list[tuple[str, int, msgspec.Raw]]:
    """Return id, version and body of each row of a table, from the only row of the result.

    Raises:
        CorruptRecord: A row is damaged.
    """
    try:
        return _decode(row[0]) if row and row[0] else []
    except msgspec.DecodeError:
        raise CorruptRecord(f"a record of {table} cannot be read") from None


@cache
def select_rows(table: str, count: int) -> str:
    """Return the statement that finds up to this number of rows by id.

    The ids are parameters, because functions for JSON end a text at a zero byte.
    """
    ids = ", ".join("?" * count)
    return rows_as_json(["version", "body"], f"{table} WHERE id IN ({ids})")


def make_row_loader(database: SqliteDatabase, table: str) -> BatchLoader[LoadedRow]:
    """Return what loads rows of a table by id, in batches."""
    return BatchLoader(partial(_fetch_rows, database, table), table)


async def _fetch_rows(
    database: SqliteDatabase, table: str, row_ids: Sequence[str]
) -> Mapping[str, LoadedRow]:
    row = await database.read_row(select_rows(table, len(row_ids)), row_ids)
    return {row_id: (number, body) for row_id, number, body in decode_rows(table, row)}
