"""Tables of records: JSON in `body`, and columns for what queries search for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import msgspec
from cachetools import LRUCache, cached

from adapters.records.mapping import WRITTEN_ONCE, Record, RecordMapping
from adapters.sqlite.connection_worker import Statement
from adapters.sqlite.database import Database
from adapters.sqlite.row_loader import RowLoader
from adapters.sqlite.schema import columns_of
from application.ports.versioned import Versioned

T = TypeVar("T")

MAX_KEPT_STATEMENTS: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_encode: Final = msgspec.json.Encoder().encode


class RecordTable(Generic[T]):
    """The records of one kind, by id. A repository that needs no more is one of these."""

    def __init__(self, database: Database, mapping: RecordMapping[T, Any]) -> None:
        """Set the table, which has the name of the mapping."""
        self.database: Final = database
        self.mapping: Final = mapping
        self._rows = RowLoader(database, mapping.name)

    async def load(self, record_id: str) -> Versioned[T] | None:
        """Load the record with this id, or return None."""
        row = await self._rows.load(record_id)
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

    async def list_until(self, column: str, time: datetime, limit: int) -> Sequence[Versioned[T]]:
        """List records whose time in a column is this one or earlier, the earliest first."""
        found = await self.list_records(column, time, limit)
        return [Versioned(self.mapping.to_value(record), version) for _, record, version in found]

    async def list_records(
        self, column: str, time: datetime, limit: int
    ) -> Sequence[tuple[str, Any, int]]:
        """List the same records as they are stored, with id and version."""
        sql = f"""
        SELECT id, body, version FROM {self.mapping.name}
        WHERE {column} <= ? ORDER BY {column} LIMIT ?
        """  # noqa: S608 -- our texts
        rows = await self.database.read_rows(sql, (to_column(time), limit))
        return [
            (row_id, self.mapping.decode_record(body), version) for row_id, body, version in rows
        ]

    async def add(self, value: T) -> bool:
        """Add a record at version 1, unless its id is taken.

        Raises:
            UniqueViolation: Another record has the same value of another unique column.
        """
        record = self.mapping.to_record(value)
        return await self.add_record(record.id, record)

    async def add_record(self, record_id: str, record: Record, version: int = 1) -> bool:
        """Add a record at this version, as `add` does."""
        columns = columns_of(self.mapping.name)
        body = _encode(self.mapping.to_fields(record)).decode()
        values = [record_id, version, *_values_of(columns, record), body]
        return bool(await self.database.execute(_add(self.mapping.name, columns), values))

    async def replace(self, value: T, version: int) -> bool:
        """Replace the known fields of a record if it has this version.

        Raises:
            UniqueViolation: Another record has the same value of another unique column.
        """
        record = self.mapping.to_record(value)
        return await self.replace_record(record.id, record, version)

    async def replace_record(self, record_id: str, record: Record, version: int) -> bool:
        """Replace the known fields of a record, as `replace` does."""
        return bool(
            await self.database.write(replacement(self.mapping, record_id, record, version))
        )

    async def delete(self, record_id: str, version: int) -> bool:
        """Delete the record if it has this version."""
        sql = f"DELETE FROM {self.mapping.name} WHERE id = ? AND version = ?"  # noqa: S608 -- our text
        return bool(await self.database.execute(sql, (record_id, version)))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records whose `expires_at` has passed, and return their number."""
        return await self.database.execute(
            delete_expired(self.mapping.name), (to_column(now), limit)
        )


def replacement(
    mapping: RecordMapping[Any, Any], record_id: str, record: Record, version: int
) -> Statement:
    """Return what replaces the known fields of a record if it has this version.

    It sets them, removes those that are None, and leaves what this program does not know.
    """
    columns = columns_of(mapping.name)
    fields = mapping.to_fields(record)
    if WRITTEN_ONCE in fields:
        fields[WRITTEN_ONCE] = fields.pop(WRITTEN_ONCE)  # the last one
    removed = tuple(name for name in mapping.field_names if name not in fields)
    texts = [_encode(field).decode() for field in fields.values()]
    values = [*_values_of(columns, record), *texts, record_id, version]
    return Statement(_replace(mapping.name, columns, tuple(fields), removed), values)


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


def _values_of(columns: Sequence[str], record: Record) -> Sequence[object]:
    return [to_column(getattr(record, column)) for column in columns]


@cached(LRUCache(MAX_KEPT_STATEMENTS))
def _add(table: str, columns: Sequence[str]) -> str:
    names = ", ".join(("id", "version", *columns, "body"))
    places = ", ".join("?" * (len(columns) + 3))
    # Not ON CONFLICT (id): SQLite does not promise which of two conflicts it reports, and a record
    # that is added again must get a conflict of its id.
    return f"""
    INSERT INTO {table} ({names}) SELECT {places}
    WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE id = ?1)
    """  # noqa: S608 -- our text


@cached(LRUCache(MAX_KEPT_STATEMENTS))
def _replace(
    table: str, columns: Sequence[str], fields: Sequence[str], removed: Sequence[str]
) -> str:
    assignments = "".join(f"{column} = ?, " for column in columns)
    places = {name: f"'$.{name}', json(?)" for name in fields}
    once = places.pop(WRITTEN_ONCE, None)
    body = f"json_set(body, {', '.join(places.values())})"
    if once:
        body = f"json_insert({body}, {once})"  # keeps what is there
    paths = "".join(f", '$.{name}'" for name in removed)
    return f"""
    UPDATE {table} SET version = version + 1, {assignments}body = json_remove({body}{paths})
    WHERE id = ? AND version = ?
    """  # noqa: S608 -- our text
