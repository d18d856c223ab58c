"""Records in tables of their kinds: JSON in `body`, and columns for what queries search for."""

import sqlite3
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from cachetools import LRUCache, cached

from adapters.records.all_kinds import all_kinds, stored_kinds
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_store import (
    IndexPosition,
    Move,
    Overwrite,
    Replacement,
    StoredRecord,
    decode_row,
    to_body_text,
)
from adapters.sqlite.connection_worker import Parameters
from adapters.sqlite.database import SqliteDatabase
from adapters.sqlite.row_loader import make_row_loader, rows_as_json
from adapters.sqlite.schema import conditions_of, order_of, value_of
from adapters.sqlite.undeclared_tables import delete_undeclared, has_undeclared, list_tables

R = TypeVar("R", bound=Record)

MAX_KEPT_STATEMENTS: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_encode: Final = msgspec.json.Encoder().encode
_FoundRow = tuple[str, int, int | str, msgspec.Raw]
"""The id of a row, its version, its place in the order, and its body."""
_decode: Final = msgspec.json.Decoder(list[_FoundRow]).decode


class SqliteRecordStore:
    """A table for each kind. Each search reads a range of the index that it names.

    SQLite would sometimes choose another index, and read more.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._rows = {kind.name: make_row_loader(database, kind.name) for kind in all_kinds()}

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        rows = await self._rows[kind.name].load_many(record_ids)
        return {
            record_id: decode_row(kind, record_id, version, body)
            for record_id, (version, body) in rows.items()
        }

    async def has_undeclared(self, name: str, /) -> bool:
        return await self._database.reader.run(lambda connection: has_undeclared(connection, name))

    async def list_unknown(self) -> Sequence[str]:
        known = {kind.name for kind in stored_kinds()}
        return [name for name in await self._database.reader.run(list_tables) if name not in known]

    async def delete_undeclared(self, name: str, limit: int, /) -> int:
        return await self._database.write(
            lambda connection: delete_undeclared(connection, name, limit)
        )

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /, *, offset: int = 0
    ) -> Sequence[StoredRecord[R]]:
        return await self._list(kind, _scan(kind.name), (after_id, limit, offset))

    async def find(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str] = (),
        /,
        *,
        until: datetime | None = None,
        after: IndexPosition | None = None,
        newest_first: bool = False,
        limit: int,
        offset: int = 0,
    ) -> Sequence[StoredRecord[R]]:
        values: list[object] = [*equal]
        conditions = []
        if until is not None:
            conditions.append(f"{_place_of(index)} <= ?")
            is_of_body = index.order in index.body_fields
            # After a time comes a space, and what comes next begins with a point or is greater.
            values.append(f"{to_body_text(until)}!" if is_of_body else to_column(until))
        if after is not None:
            beyond = "<" if newest_first else ">"
            if index.order in index.body_fields:
                conditions.append(f"{_place_of(index)} {beyond} ?")
                values.append(f"{to_body_text(after.time)} {after.id}")
            else:
                conditions.append(f"({index.order}, id) {beyond} (?, ?)")
                values += [to_column(after.time), after.id]
        sql = _find(kind.name, index, tuple(conditions), newest_first)
        return await self._list(kind, sql, [*values, limit, offset], newest_first=newest_first)

    async def count(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str],
        limit: int,
        /,
        *,
        may_estimate: bool = False,  # noqa: ARG002 -- counting up to the limit is fast
    ) -> int:
        try:
            [(count,)] = await self._database.read_rows(_count(kind.name, index), [*equal, limit])
        except UnicodeEncodeError:
            return 0
        return int(count)

    async def estimate_size(self, kind: RecordKind[Any], /) -> int:
        [(count,)] = await self._database.read_rows(f"SELECT count(*) FROM {kind.name}")  # noqa: S608
        return int(count)

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        body = _encode(kind.to_fields(record)).decode()
        values = [record_id, version, *_columns_of(kind, record), body]
        return await self._database.execute(_add(kind.name, kind.indexed_fields), values) > 0

    async def replace(
        self,
        kind: RecordKind[R],
        record_id: str,
        record: R,
        version: int,
        /,
        *,
        also_written_once: bool = False,
    ) -> bool:
        once = None if also_written_once else kind.written_once
        changes, values = _replace_fields(kind, record, once)
        return await self._execute(_update(kind.name, changes), [*values, record_id, version])

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        def replace(connection: sqlite3.Connection) -> int:
            replaced = 0
            for replacement in replacements:
                changes, values = _replace_fields(kind, replacement.record, kind.written_once)
                update = _update(kind.name, changes)
                replaced += connection.execute(
                    update, [*values, replacement.id, replacement.version]
                ).rowcount
            return replaced

        return await self._database.write(replace)

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        sql = f"DELETE FROM {kind.name} WHERE id = ? AND version = ?"  # noqa: S608 -- our text
        return await self._execute(sql, (record_id, version))

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        sql = delete_expired(kind.name, kind.find_index(EXPIRES_AT))
        return await self._database.execute(sql, (to_column(now), limit))

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        values = (b64encode(value).decode(), record_id, version)
        return await self._execute(_overwrite(kind.name, field), values)

    async def overwrite_all(
        self, kind: RecordKind[R], field: str, changes: Sequence[Overwrite], /
    ) -> None:
        sql = _overwrite(kind.name, field)
        rows = [(b64encode(change.value).decode(), change.id, change.version) for change in changes]
        await self._database.write(lambda connection: connection.executemany(sql, rows))

    async def move(
        self, kind: RecordKind[R], record_id: str, new_id: str, record: R, version: int, /
    ) -> None:
        await self.move_all(kind, [Move(record_id, new_id, record, version)])

    async def move_all(self, kind: RecordKind[R], moves: Sequence[Move[R]], /) -> None:
        await self._database.write(lambda connection: _move_all(connection, kind, moves))

    async def _execute(self, sql: str, values: Parameters) -> bool:
        """Execute a statement that changes a record; return whether it has the id and version."""
        try:
            return await self._database.execute(sql, values) > 0
        except UnicodeEncodeError:  # No record has such an id.
            return False

    async def _list(
        self, kind: RecordKind[R], sql: str, values: Parameters, *, newest_first: bool = False
    ) -> Sequence[StoredRecord[R]]:
        """Return the records of a statement of `rows_as_json`, in the order of places and ids."""
        try:
            [(rows,)] = await self._database.read_rows(sql, values)
            found = _decode(rows or "[]")
        except UnicodeEncodeError:  # No record has such a value.
            return []
        except msgspec.DecodeError as error:
            raise kind.unreadable(error) from None
        found.sort(key=_position_of, reverse=newest_first)
        return [decode_row(kind, row_id, version, body) for row_id, version, _, body in found]


def to_column(value: object) -> object:
    """Return a value as columns store it: times as microseconds since 1970, exact and in order."""
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value


@cache
def delete_expired(table: str, index: Index) -> str:
    """Return the statement that deletes a number of rows that have expired by a time."""
    conditions = " AND ".join([*conditions_of(index), f"{index.order} <= ?"])
    return f"""
    DELETE FROM {table} WHERE rowid IN (
        SELECT rowid FROM {table} INDEXED BY {index.name} WHERE {conditions}
        ORDER BY {index.order} LIMIT ?
    )
    """  # noqa: S608 -- our texts


def _position_of(row: _FoundRow) -> tuple[Any, str]:
    row_id, _, place, _ = row
    return place, row_id


def _columns_of(kind: RecordKind[R], record: R) -> Sequence[object]:
    return [to_column(getattr(record, name)) for name in kind.indexed_fields]


@cache
def _scan(table: str) -> str:
    rows = f"""(
        SELECT id, version, body FROM {table} WHERE id > ? ORDER BY id LIMIT ? OFFSET ?
    )"""  # noqa: S608 -- our texts
    return rows_as_json(["version", "0", "body"], rows)


@cached(LRUCache(MAX_KEPT_STATEMENTS))
def _find(table: str, index: Index, conditions: Sequence[str], newest_first: bool) -> str:
    where = " AND ".join([*_range_of(index), *conditions]) or "TRUE"
    direction = " DESC" if newest_first else ""
    order = ", ".join(f"{column}{direction}" for column in order_of(index)) or "rowid"
    place = f"json_quote({_place_of(index)})"
    rows = f"""(
        SELECT id, version, {place} AS place, body FROM {table} INDEXED BY {index.name}
        WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?
    )"""  # noqa: S608 -- our texts
    return rows_as_json(["version", "place", "body"], rows)


@cache
def _count(table: str, index: Index) -> str:
    where = " AND ".join(_range_of(index)) or "TRUE"
    return f"""
    SELECT count(*) FROM (SELECT 1 FROM {table} INDEXED BY {index.name} WHERE {where} LIMIT ?)
    """  # noqa: S608 -- our texts


def _range_of(index: Index) -> list[str]:
    return [*(f"{value_of(index, field)} = ?" for field in index.equal), *conditions_of(index)]


def _place_of(index: Index) -> str:
    return value_of(index, index.order) if index.order else "0"


@cache
def _add(table: str, columns: Sequence[str]) -> str:
    names = ", ".join(("id", "version", *columns, "body"))
    places = ", ".join("?" * (len(columns) + 3))
    # Not ON CONFLICT (id): SQLite does not promise which of two conflicts it reports, and a record
    # that is added again must get a conflict of its id.
    return f"""
    INSERT INTO {table} ({names}) SELECT {places}
    WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE id = ?1)
    """  # noqa: S608 -- our text


def _update(table: str, changes: str) -> str:
    return f"""
    UPDATE {table} SET version = version + 1, {changes} WHERE id = ? AND version = ?
    """  # noqa: S608 -- our texts


@cache
def _overwrite(table: str, field: str) -> str:
    return _update(table, f"body = json_set(body, '$.{field}', ?)")


def _move_all(
    connection: sqlite3.Connection, kind: RecordKind[R], moves: Sequence[Move[R]]
) -> None:
    delete = f"DELETE FROM {kind.name} WHERE id = ?"  # noqa: S608 -- our text
    rename = f"UPDATE {kind.name} SET id = ? WHERE id = ?"  # noqa: S608 -- our text
    for move in moves:
        changes, values = _replace_fields(kind, move.record, written_once=None)
        update = _update(kind.name, changes)
        if connection.execute(update, [*values, move.id, move.version]).rowcount:
            connection.execute(delete, (move.new_id,))
            connection.execute(rename, (move.new_id, move.id))


def _replace_fields(
    kind: RecordKind[R], record: R, written_once: str | None
) -> tuple[str, Sequence[object]]:
    """Return the changes that replace the known fields of a row, and their values.

    They set the fields, remove those that are None, and leave what this program does not know.
    """
    fields = kind.to_fields(record)
    once = written_once if written_once in fields else None
    if once is not None:
        fields[once] = fields.pop(once)  # the last one
    removed = tuple(name for name in kind.field_names if name not in fields)
    texts = [_encode(field).decode() for field in fields.values()]
    changes = _set_fields(kind.indexed_fields, tuple(fields), once, removed)
    return changes, [*_columns_of(kind, record), *texts]


@cached(LRUCache(MAX_KEPT_STATEMENTS))
def _set_fields(
    columns: Sequence[str], fields: Sequence[str], once: str | None, removed: Sequence[str]
) -> str:
    assignments = "".join(f"{column} = ?, " for column in columns)
    places = {name: f"'$.{name}', json(?)" for name in fields}
    kept = places.pop(once, None) if once else None
    body = f"json_set(body, {', '.join(places.values())})"
    if kept:
        body = f"json_insert({body}, {kept})"  # keeps what is there
    paths = "".join(f", '$.{name}'" for name in removed)
    return f"{assignments}body = json_remove({body}{paths})"
