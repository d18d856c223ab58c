"""Records in tables of their kinds: JSON in `body`, and columns for what queries search for."""

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from psycopg.types.numeric import Int8

from adapters.postgres import statements
from adapters.postgres.database import PostgresDatabase
from adapters.postgres.row_loader import RowLoader, read_rows
from adapters.postgres.schema import tables
from adapters.postgres.sessions import Values
from adapters.postgres.statements import statements_of
from adapters.postgres.texts import encode_json, encode_text
from adapters.postgres.undeclared_tables import LIST_TABLES, delete_statement, has_undeclared
from adapters.records.all_kinds import all_kinds
from adapters.records.record_kind import Index, Record, RecordKind, is_storable
from adapters.records.record_store import (
    IndexPosition,
    Move,
    Overwrite,
    Replacement,
    StoredRecord,
    decode_row,
    to_body_text,
)
from application.ports.errors import UniqueViolation

R = TypeVar("R", bound=Record)

_encode: Final = msgspec.json.Encoder().encode
_ESTIMATE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass"


class PostgresRecordStore:
    """A `RecordStore`: see there what each method promises."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._rows = {kind.name: RowLoader(database, kind.name) for kind in all_kinds()}

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        rows = await self._rows[kind.name].load_many(record_ids)
        return {
            record_id: decode_row(kind, record_id, version, body)
            for record_id, (version, body) in rows.items()
        }

    async def has_undeclared(self, name: str, /) -> bool:
        return await has_undeclared(self._database.read, name)

    async def list_unknown(self) -> Sequence[str]:
        rows = await self._database.read(LIST_TABLES)
        return sorted({name for (name,) in rows} - {*tables()})

    async def delete_undeclared(self, name: str, limit: int, /) -> int:
        if not await self.has_undeclared(name):
            return 0
        return await self._database.write(delete_statement(name), (Int8(limit),))

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /, *, offset: int = 0
    ) -> Sequence[StoredRecord[R]]:
        values = (encode_text(after_id), Int8(limit), Int8(offset))
        return await self._list(kind, statements_of(kind).scan, values)

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
        if not all(map(is_storable, equal)):
            return []
        values: list[object] = [encode_text(text) for text in equal]
        conditions = []
        if until is not None:
            conditions.append(f"{statements.place_of(index)} <= %s")
            values.append(_to_place(index, until))
        if after is not None:
            place, beyond = statements.place_of(index), "<" if newest_first else ">"
            conditions.append(f"({place}, id) {beyond} (%s, %s)")
            values += [_to_place(index, after.time), encode_text(after.id)]
        direction = "DESC" if newest_first else "ASC"
        sql = statements.find(kind, index, tuple(conditions), direction)
        return await self._list(kind, sql, [*values, Int8(limit), Int8(offset)])

    async def count(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str],
        limit: int,
        /,
        *,
        may_estimate: bool = False,
    ) -> int:
        if not all(map(is_storable, equal)):
            return 0
        if may_estimate and await self.estimate_size(kind) > 2 * limit:
            return limit
        values = [*map(encode_text, equal), Int8(limit)]
        return await self._database.read_number(statements.count(kind, index), values)

    async def estimate_size(self, kind: RecordKind[Any], /) -> int:
        # As of the last VACUUM or ANALYZE.
        return await self._database.read_number(_ESTIMATE, (kind.name,))

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        values = [encode_text(record_id), Int8(version), *_values_of(kind, record)]
        try:
            return await self._database.write(statements_of(kind).add, values) == 1
        except UniqueViolation:
            # Of two additions at the same time, the other one may have the same id and the same
            # values; PostgreSQL does not promise which index it compares first.
            if await self._rows[kind.name].load_many([record_id]):
                return False
            raise

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
        sql, once = statements_of(kind), None if also_written_once else kind.written_once
        is_kept = once is not None and getattr(record, once) is not None
        statement = sql.replace_once if is_kept else sql.replace
        return await self._change(statement, _values_of(kind, record), record_id, version)

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        sql, once = statements_of(kind), kind.written_once
        rows: dict[str, list[Values]] = {}
        for replacement in replacements:
            is_kept = once is not None and getattr(replacement.record, once) is not None
            values = [
                *_values_of(kind, replacement.record),
                encode_text(replacement.id),
                Int8(replacement.version),
            ]
            rows.setdefault(sql.replace_once if is_kept else sql.replace, []).append(values)
        return sum(
            [await self._execute_many(statement, values) for statement, values in rows.items()]
        )

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        return await self._change(statements_of(kind).delete, (), record_id, version)

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        return await self._database.write(statements_of(kind).delete_expired, (now, Int8(limit)))

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        values = ([field], b64encode(value).decode())
        return await self._change(statements_of(kind).overwrite, values, record_id, version)

    async def overwrite_all(
        self, kind: RecordKind[R], field: str, changes: Sequence[Overwrite], /
    ) -> None:
        rows = [
            (
                [field],
                b64encode(change.value).decode(),
                encode_text(change.id),
                Int8(change.version),
            )
            for change in changes
        ]
        await self._execute_many(statements_of(kind).overwrite, rows)

    async def move(
        self, kind: RecordKind[R], record_id: str, new_id: str, record: R, version: int, /
    ) -> None:
        await self.move_all(kind, [Move(record_id, new_id, record, version)])

    async def move_all(self, kind: RecordKind[R], moves: Sequence[Move[R]], /) -> None:
        rows = [
            (
                encode_text(move.id),
                Int8(move.version),
                encode_text(move.new_id),
                *_values_of(kind, move.record),
            )
            for move in moves
        ]
        await self._execute_many(statements_of(kind).move, rows)

    async def _execute_many(self, sql: str, rows: Sequence[Values]) -> int:
        """Execute a statement several times in one transaction; return how many rows changed."""
        sessions = self._database.sessions
        return await self._database.run(
            lambda connection: sessions.execute_many(connection, sql, rows)
        )

    async def _change(self, sql: str, values: Values, record_id: str, version: int) -> bool:
        """Execute a statement that changes a record; return whether it has the id and version."""
        if not is_storable(record_id):
            return False
        return (
            await self._database.write(sql, [*values, encode_text(record_id), Int8(version)]) == 1
        )

    async def _list(
        self, kind: RecordKind[R], sql: str, values: Values
    ) -> Sequence[StoredRecord[R]]:
        return [
            decode_row(kind, row_id, version, body)
            for row_id, version, body in read_rows(await self._database.read(sql, values))
        ]


def _to_place(index: Index, time: datetime) -> object:
    return encode_text(to_body_text(time)) if index.order in index.body_fields else time


def _values_of(kind: RecordKind[Any], record: Record) -> list[object]:
    """Return the values of the columns of indexed fields, and the body."""
    columns = (getattr(record, name) for name in kind.indexed_fields)
    values: list[object] = [
        encode_text(value) if isinstance(value, str) else value for value in columns
    ]
    return [*values, encode_json(_encode(kind.to_fields(record)).decode())]
