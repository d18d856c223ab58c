"""Tables of records: JSON in `body`, and columns for what queries search for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from adapters.records import WRITTEN_ONCE, Record, RecordMapping
from adapters.sqlite.database import Database
from application.ports.versioned import Versioned

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RecordTable(Generic[T]):
    """The records of one kind, by id.

    `columns` are the fields of the record that have a column of their own.
    """

    database: Database
    mapping: RecordMapping[T, Any]
    columns: Sequence[str]

    async def load(self, record_id: str) -> Versioned[T] | None:
        """Load the record with this id, or return None."""
        return await self.find("id", record_id)

    async def find(self, column: str, value: str) -> Versioned[T] | None:
        """Find the record with this value of a unique column."""
        row = await self.database.read_row(_find(self.mapping.name, column), (value,))
        return Versioned(self.mapping.decode(row[1]), row[0]) if row else None

    async def list(
        self, condition: str, values: Mapping[str, object] | Sequence[object]
    ) -> Sequence[Versioned[T]]:
        """List the records of a condition, which includes the order and the limit."""
        sql = f"SELECT version, body FROM {self.mapping.name} {condition}"  # noqa: S608 -- our texts
        return [
            Versioned(self.mapping.decode(body), version)
            for version, body in await self.database.read_rows(sql, values)
        ]

    async def add(self, record_id: str, value: T) -> bool:
        """Add a record at version 1, unless its id is taken.

        Raises:
            DuplicateKey: Another record has the same value of another unique column.
        """
        return await self.add_record(record_id, self.mapping.to_record(value))

    async def add_record(self, record_id: str, record: Record, version: int = 1) -> bool:
        """Add a record at this version, as `add` does."""
        values = [record_id, version, *self._column_values(record)]
        body = _encode(self.mapping.to_fields(record)).decode()
        sql = _add(self.mapping.name, (*self.columns,))
        return bool(await self.database.execute(sql, [*values, body]))

    async def replace(self, record_id: str, value: T, version: int) -> bool:
        """Replace the known fields of a record if it has this version.

        Raises:
            DuplicateKey: Another record has the same value of another unique column.
        """
        return await self.replace_record(record_id, self.mapping.to_record(value), version)

    async def replace_record(self, record_id: str, record: Record, version: int) -> bool:
        """Replace the known fields of a record, as `replace` does."""
        fields = self.mapping.to_fields(record)
        removed = tuple(name for name in self.mapping.field_names if name not in fields)
        sql = _replace(self.mapping.name, (*self.columns,), (*fields,), removed)
        texts = [_encode(field).decode() for field in fields.values()]
        values = [*self._column_values(record), *texts, record_id, version]
        return bool(await self.database.execute(sql, values))

    async def delete(self, record_id: str, version: int) -> bool:
        """Delete the record if it has this version."""
        sql = f"DELETE FROM {self.mapping.name} WHERE id = ? AND version = ?"  # noqa: S608 -- our text
        return bool(await self.database.execute(sql, (record_id, version)))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records whose `expires_at` has passed, and return their number."""
        return await self.database.execute(
            delete_expired(self.mapping.name), (to_column(now), limit)
        )

    def _column_values(self, record: Record) -> Sequence[object]:
        return [to_column(getattr(record, column)) for column in self.columns]


def to_column(value: object) -> object:
    """Return a value as columns store it: times as microseconds since 1970, exact and in order."""
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value


def delete_expired(table: str) -> str:
    """Return the statement that deletes a number of rows that have expired by a time."""
    return f"""
    DELETE FROM {table} WHERE rowid IN (
        SELECT rowid FROM {table} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
    )
    """  # noqa: S608 -- our text


@cache
def _find(table: str, column: str) -> str:
    return f"SELECT version, body FROM {table} WHERE {column} = ?"  # noqa: S608 -- our text


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


@cache
def _replace(
    table: str, columns: Sequence[str], fields: Sequence[str], removed: Sequence[str]
) -> str:
    """Return the statement that sets and removes fields, and leaves those that are not named."""
    assignments = "".join(f"{column} = ?, " for column in columns)
    # json_insert keeps what is there.
    functions = ["json_insert" if name == WRITTEN_ONCE else "json_set" for name in fields]
    body = "body"
    for function, group in groupby(zip(functions, fields, strict=True), itemgetter(0)):
        places = ", ".join(f"'$.{name}', json(?)" for _, name in group)
        body = f"{function}({body}, {places})"
    paths = "".join(f", '$.{name}'" for name in removed)
    body = f"json_remove({body}{paths})"
    return f"""
    UPDATE {table} SET version = version + 1, {assignments}body = {body}
    WHERE id = ? AND version = ?
    """  # noqa: S608 -- our text
