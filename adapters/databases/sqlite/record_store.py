"""Statements of records. A query has one row, in which all records are JSON."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from adapters.databases.records.all_kinds import all_kinds
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.sql.record_store import SqlRecordStore, Values
from adapters.databases.sqlite.database import SqliteDatabase, SqliteRow
from adapters.databases.sqlite.dialect import SQLITE
from adapters.databases.sqlite.row_loader import LoadedRow, make_row_loader, rows_as_json
from application.ports.errors import CorruptRecord

_FoundRow = tuple[str, int, int | str, msgspec.Raw]
"""The id of a row, its version, its place in the order, and its body."""
_decode: Final = msgspec.json.Decoder(list[_FoundRow]).decode


def make_record_store(database: SqliteDatabase) -> SqlRecordStore:
    """Return the store over a database."""
    return SqlRecordStore(SqliteRows(database), SQLITE)


class SqliteRows:
    """Executes the statements of records: see `adapters.databases.sql.record_store.Rows`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._loaders = {kind.name: make_row_loader(database, kind.name) for kind in all_kinds()}

    async def load(
        self, kind: RecordKind[Any], row_ids: Collection[str], /
    ) -> Mapping[str, LoadedRow]:
        return await self._loaders[kind.name].load_many(row_ids)

    async def list_rows(
        self, _: RecordKind[Any], sql: str, values: Values, /, *, newest_first: bool = False
    ) -> Iterable[tuple[str, int, msgspec.Raw]]:
        try:
            [(rows,)] = await self._database.read_rows(_as_json(sql), values)
            found = _decode(rows or "[]")
        except (msgspec.DecodeError, CorruptRecord):  # one is damaged: the store says which one
            plain = await self._database.read_rows(_as_rows(sql), values)
            found = [
                (row_id, version, place, msgspec.Raw(body or b""))
                for row_id, version, place, body in plain
            ]
        found.sort(key=_position_of, reverse=newest_first)
        return [(row_id, version, body) for row_id, version, _, body in found]

    async def read(self, sql: str, values: Values = (), /) -> Sequence[SqliteRow]:
        return await self._database.read_rows(sql, values)

    async def read_number(self, sql: str, values: Values = (), /) -> int:
        [(number,)] = await self._database.read_rows(sql, values)
        return int(number)

    async def write(self, sql: str, values: Values, /) -> int:
        return await self._database.execute(sql, values)

    async def write_many(self, sql: str, rows: Sequence[Values], /) -> int:
        return await self._database.write(
            lambda connection: connection.executemany(sql, rows).rowcount
        )

    async def add(self, _: RecordKind[Any], sql: str, values: Values, /) -> bool:
        return await self._database.execute(sql, values) > 0

    async def change(self, _: RecordKind[Any], sql: str, values: Values, /) -> bool:
        return await self._database.execute(sql, values) > 0


def _position_of(row: _FoundRow) -> tuple[Any, str]:
    row_id, _, place, _ = row
    return place, row_id


def _as_rows(sql: str) -> str:
    # A body that is not UTF-8 is bytes too.
    return f"SELECT id, version, place, CAST(body AS BLOB) FROM ({sql})"  # noqa: S608 -- our texts


@cache
def _as_json(sql: str) -> str:
    return rows_as_json(["version", "place", "body"], f"({sql})")
