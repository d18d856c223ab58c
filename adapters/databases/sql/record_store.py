"""Records in tables of their kinds: JSON in `body`, and columns for what queries search for."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec

from adapters.databases.records.record_kind import Index, Record, RecordKind, is_storable
from adapters.databases.records.record_store import (
    IndexPosition,
    Overwrite,
    Replacement,
    StoredRecord,
    decode_row,
)
from adapters.databases.sql import statements
from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.schema import OWN_COLUMNS, tables
from adapters.databases.sql.statements import Statements, statements_of
from application.ports.errors import OperationRejected

# ruff: noqa: S608 -- the names are ours
Read = Callable[[str, Sequence[object]], Awaitable[Sequence[Sequence[Any]]]]


async def has_undeclared(read: Read, dialect: Dialect, name: str) -> bool:
    """Return whether a table exists, and has records of ours."""
    [(columns,)] = await read(dialect.count_columns, (name,))
    if columns != len(OWN_COLUMNS):
        return False
    rows = await read(f"SELECT {dialect.has_schema_version} FROM {name} LIMIT 1", ())
    return any(has_version for (has_version,) in rows)


def delete_some(dialect: Dialect, name: str) -> str:
    """Return the statement that deletes some records of a table; its value is how many."""
    return f"DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT {dialect.place})"


R = TypeVar("R", bound=Record)
_C = TypeVar("_C", bound=Overwrite | Replacement[Any])
Values = Sequence[object]

_encode: Final = msgspec.json.Encoder().encode
_NOT_STORABLE: Final = "an id cannot be encoded"


class Rows(Protocol):
    """Executes statements of one dialect. Its errors are those of a `RecordStore`."""

    async def load(
        self, kind: RecordKind[Any], row_ids: Collection[str], /
    ) -> Mapping[str, tuple[object, object]]:
        """Return version and body of the rows that exist, by id; a damaged row may lack them."""
        ...

    async def list_rows(
        self, kind: RecordKind[Any], sql: str, values: Values, /, *, newest_first: bool = False
    ) -> Iterable[tuple[str, object, object]]:
        """Return id, version and body of the rows of a query, in its order: `Dialect.row`."""
        ...

    async def read(self, sql: str, values: Values = (), /) -> Sequence[Sequence[Any]]: ...

    async def read_number(self, sql: str, values: Values = (), /) -> int: ...

    async def write(self, sql: str, values: Values, /) -> int:
        """Execute a statement durably, and return how many rows it changed."""
        ...

    async def write_many(self, sql: str, rows: Sequence[Values], /) -> int:
        """Execute a statement for each of some values, all or none; return how many changed."""
        ...

    async def add(self, kind: RecordKind[Any], sql: str, values: Values, /) -> bool:
        """Add a row, unless its id, which is the first value, is taken; return whether it was."""
        ...

    async def change(self, kind: RecordKind[Any], sql: str, values: Values, /) -> bool:
        """Change or delete the row with an id and a version, the last values, if there is one."""
        ...


class SqlRecordStore:
    """A `RecordStore`: see there what each method promises. Each search reads one index."""

    def __init__(self, rows: Rows, dialect: Dialect) -> None:
        self._rows = rows
        self._dialect = dialect
        self._to_column = dialect.to_column

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        rows = await self._rows.load(kind, record_ids)
        return {
            record_id: decode_row(kind, record_id, version, body)
            for record_id, (version, body) in rows.items()
        }

    async def has_undeclared(self, name: str, /) -> bool:
        return await has_undeclared(self._rows.read, self._dialect, name)

    async def list_unknown(self) -> Sequence[str]:
        rows = await self._rows.read(self._dialect.list_tables)
        return sorted({name for (name,) in rows} - {*tables()})

    async def delete_undeclared(self, name: str, limit: int, /) -> int:
        if not await self.has_undeclared(name):
            return 0
        return await self._rows.write(delete_some(self._dialect, name), [self._to_column(limit)])

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /, *, offset: int = 0
    ) -> Sequence[StoredRecord[R]]:
        return await self._list(kind, self._statements(kind).scan, [after_id, limit, offset])

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
        place, beyond = self._dialect.place, "<" if newest_first else ">"
        values: list[object] = [*equal]
        conditions = []
        if until is not None:
            conditions.append(f"{index.order} <= {place}")
            values.append(until)
        if after is not None:
            conditions.append(f"({index.order}, id) {beyond} ({place}, {place})")
            values += [after.time, after.id]
        direction = "DESC" if newest_first else "ASC"
        sql = statements.find(self._dialect, kind, index, tuple(conditions), direction)
        return await self._list(kind, sql, [*values, limit, offset], newest_first=newest_first)

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
        may_estimate = may_estimate and self._dialect.estimate_size is not None
        if may_estimate and await self.estimate_size(kind) > 2 * limit:
            return limit
        values = [*map(self._to_column, [*equal, limit])]
        return await self._rows.read_number(statements.count(self._dialect, kind, index), values)

    async def estimate_size(self, kind: RecordKind[Any], /) -> int:
        if estimate := self._dialect.estimate_size:
            return await self._rows.read_number(estimate, [kind.name])
        return await self._rows.read_number(f"SELECT count(*) FROM {kind.name}")

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        if not is_storable(record_id):
            raise OperationRejected(_NOT_STORABLE)
        values = [*map(self._to_column, (record_id, version)), *self._values_of(kind, record)]
        return await self._rows.add(kind, self._statements(kind).add, values)

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
        sql = self._statements(kind)
        statement = sql.replace if also_written_once else _replace(sql, kind, record)
        values = self._values_of(kind, record)
        return await self._change(kind, statement, values, record_id, version)

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        sql = self._statements(kind)
        rows: dict[str, list[Values]] = {}
        for each in _in_order(replacements):
            values = self._values_of(kind, each.record)
            row = [*values, *map(self._to_column, (each.id, each.version))]
            rows.setdefault(_replace(sql, kind, each.record), []).append(row)
        return sum(
            [await self._rows.write_many(statement, values) for statement, values in rows.items()]
        )

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        return await self._change(kind, self._statements(kind).delete, [], record_id, version)

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        values = [*map(self._to_column, (now, limit))]
        return await self._rows.write(self._statements(kind).delete_expired, values)

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        sql = statements.overwrite(self._dialect, kind, field)
        return await self._change(kind, sql, [b64encode(value).decode()], record_id, version)

    async def overwrite_all(
        self, kind: RecordKind[R], field: str, changes: Sequence[Overwrite], /
    ) -> None:
        sql = statements.overwrite(self._dialect, kind, field)
        rows = [
            [b64encode(each.value).decode(), *map(self._to_column, (each.id, each.version))]
            for each in _in_order(changes)
        ]
        await self._rows.write_many(sql, rows)

    def _statements(self, kind: RecordKind[Any]) -> Statements:
        return statements_of(self._dialect, kind)

    def _values_of(self, kind: RecordKind[R], record: R) -> list[object]:
        columns = [self._to_column(getattr(record, name)) for name in kind.indexed_fields]
        return [*columns, self._dialect.to_body(_encode(kind.to_fields(record)).decode())]

    async def _change(
        self,
        kind: RecordKind[Any],
        sql: str,
        values: Sequence[object],
        record_id: str,
        version: int,
    ) -> bool:
        if not is_storable(record_id):
            return False
        row = [*values, *map(self._to_column, (record_id, version))]
        return await self._rows.change(kind, sql, row)

    async def _list(
        self, kind: RecordKind[R], sql: str, values: Values, *, newest_first: bool = False
    ) -> Sequence[StoredRecord[R]]:
        if not all(is_storable(value) for value in values if isinstance(value, str)):
            return []
        columns = [*map(self._to_column, values)]
        rows = await self._rows.list_rows(kind, sql, columns, newest_first=newest_first)
        return [decode_row(kind, row_id, version, body) for row_id, version, body in rows]


def _in_order(changes: Iterable[_C]) -> Sequence[_C]:
    """Return changes in the order of their ids, in which all transactions lock rows."""
    return sorted(changes, key=lambda change: change.id)


def _replace(sql: Statements, kind: RecordKind[R], record: R) -> str:
    once = kind.written_once
    is_kept = once is not None and getattr(record, once) is not None
    return sql.replace_once if is_kept else sql.replace
