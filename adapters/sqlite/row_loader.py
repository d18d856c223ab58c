"""Loads rows by id: those that are wanted together in one statement."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, Final

import msgspec

from adapters.records.batch_loader import BatchLoader
from adapters.sqlite.database import SqliteDatabase
from application.ports.errors import CorruptRecord

_decode: Final = msgspec.json.Decoder(list[tuple[str, int, msgspec.Raw]]).decode

_LoadedRow = tuple[object, object]
"""The version of a row and its body; a damaged row may have anything there."""


def rows_as_json(columns: Sequence[str], rows: str) -> str:
    """Return a statement whose only row has all rows of a query, in JSON.

    For each row of a result, the thread may have to wait for the interpreter's lock. Bodies are
    JSON, so their list is JSON too: nothing parses them before it is decoded. SQLite does not
    promise its order. A row with NULL, which has none of the right types, would be missing from the
    list.

    Args:
        columns: What each row has after its id: columns or expressions of JSON.
        rows: A table with a condition, or a subquery.
    """
    values = (f"ifnull({column}, 'null')" for column in columns)
    row = " || ',' || ".join(["'[' || json_quote(id)", *values])
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


def make_row_loader(
    database: SqliteDatabase, table: str, version: str = "version"
) -> BatchLoader[_LoadedRow]:
    """Return what loads rows of a table by id, in batches.

    One statement with one result releases the interpreter's lock a few times, a statement for each
    row as often for each; and each time another thread may take it.

    Args:
        database: The database.
        table: The table.
        version: The column or the expression of the version.
    """
    return BatchLoader(partial(_fetch_rows, database, table, version), f"load_{table}")


async def _fetch_rows(
    database: SqliteDatabase, table: str, version: str, row_ids: Sequence[str]
) -> Mapping[str, _LoadedRow]:
    sql = select_rows(table, len(row_ids), version)
    try:
        rows = decode_rows(await database.read_row(sql, row_ids))
    except (CorruptRecord, msgspec.DecodeError):
        # A damaged body concerns only those who want its row.
        return await _fetch_each(database, table, version, row_ids)
    return {row_id: (number, body) for row_id, number, body in rows}


async def _fetch_each(
    database: SqliteDatabase, table: str, version: str, row_ids: Sequence[str]
) -> Mapping[str, _LoadedRow]:
    """Fetch rows one by one. One that cannot be read has neither a version nor a body."""
    sql = f"SELECT {version}, body FROM {table} WHERE id = ?"  # noqa: S608 -- our texts
    rows: dict[str, _LoadedRow] = {}
    for row_id in row_ids:
        try:
            row = await database.read_row(sql, (row_id,))
        except CorruptRecord:
            row = (None, None)
        if row:
            rows[row_id] = (row[0], row[1])
    return rows
