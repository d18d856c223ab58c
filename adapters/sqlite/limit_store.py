"""Rate limits: a row for each subject and purpose. Only the writer changes them."""

import asyncio
import sqlite3
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any, Final, TypeVar

import msgspec

from adapters.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    apply_changes,
    ids_of,
)
from adapters.records.limits import (
    LIMITS,
    LimitRecord,
    LimitRecords,
    count_used,
    find_available,
    record_ids,
)
from adapters.records.record_kind import EXPIRES_AT
from adapters.records.record_store import decode_row
from adapters.sqlite.connection_worker import OPERATION_TIMEOUT
from adapters.sqlite.database import SqliteDatabase
from adapters.sqlite.record_store import delete_expired, to_column
from adapters.sqlite.row_loader import decode_rows, make_row_loader, select_rows
from application.ports.errors import CorruptRecord, StorageTimeout
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation

T = TypeVar("T")

_VERSION: Final = "0"
"""Rows of limits have no version."""
_MAX_ROWS: Final = 100
"""Rows that a statement reads or writes."""

_encode: Final = msgspec.json.Encoder().encode
_decode_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class SqliteLimitStore:
    """Sliding windows of counters. Calls that wait together are one operation of the writer."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._rows = make_row_loader(database, LIMITS.name, _VERSION)
        self._batches = LimitBatches(self._execute)

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        return await self._limit_time(self._batches.acquire(reservations))

    async def release(self, acquisition: Acquisition) -> None:
        await self._limit_time(self._batches.release(acquisition))

    async def next_available(self, reservation: Reservation) -> datetime:
        return find_available(reservation, await self._load_records(record_ids(reservation)))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(
            limits, await self._load_records({limit.record_id for limit in limits}), now
        )

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._database.write(partial(_delete_expired, now=now, limit=limit))

    async def finish(self) -> None:
        await self._batches.finish()

    async def _load_records(self, ids: Collection[str]) -> Mapping[str, LimitRecord]:
        rows = await self._rows.load_many(ids)
        return {
            record_id: decode_row(LIMITS, record_id, version, body).record
            for record_id, (version, body) in rows.items()
        }

    async def _execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        return await self._database.write(partial(_apply, changes=changes))

    async def _limit_time(self, call: Coroutine[Any, Any, T]) -> T:
        """Limit the time for waiting and the batch together."""
        try:
            async with asyncio.timeout(OPERATION_TIMEOUT):
                return await call
        except TimeoutError:
            failure = StorageTimeout(f"no response within {OPERATION_TIMEOUT:g} seconds")
            raise self._database.writer.answers.explain(failure) from None


@dataclass(slots=True)
class _LoadedLimits:
    """Records by id, the error of those that are damaged, and the fields that are not ours."""

    records: dict[str, LimitRecord | CorruptRecord] = field(default_factory=dict)
    unknown_fields: dict[str, dict[str, msgspec.Raw]] = field(default_factory=dict)

    def add(self, record_id: str, body: Any) -> None:
        """Decode a row."""
        try:
            self.records[record_id] = decode_row(LIMITS, record_id, 0, body).record
        except CorruptRecord as error:
            self.records[record_id] = error
            return
        fields = _decode_fields(body)
        if unknown := fields.keys() - LIMITS.field_names:
            self.unknown_fields[record_id] = {name: fields[name] for name in unknown}


def _apply(connection: sqlite3.Connection, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
    loaded = _load(connection, ids_of(changes))
    outcomes, changed = apply_changes(changes, loaded.records)
    _save(connection, changed, loaded)
    return outcomes


def _load(connection: sqlite3.Connection, record_ids: Sequence[str]) -> _LoadedLimits:
    loaded = _LoadedLimits()
    for begin in range(0, len(record_ids), _MAX_ROWS):
        wanted = record_ids[begin : begin + _MAX_ROWS]
        sql = select_rows(LIMITS.name, len(wanted), _VERSION)
        for record_id, _, body in decode_rows(
            LIMITS.name, connection.execute(sql, wanted).fetchone()
        ):
            loaded.add(record_id, body)
    return loaded


def _save(connection: sqlite3.Connection, changed: LimitRecords, loaded: _LoadedLimits) -> None:
    rows: list[tuple[object, ...]] = []
    for record_id, record in changed.items():
        unknown = loaded.unknown_fields.get(record_id)
        body = _encode({**LIMITS.to_fields(record), **unknown} if unknown else record).decode()
        rows.append((record_id, to_column(record.expires_at), body))
    for begin in range(0, len(rows), _MAX_ROWS):
        batch = rows[begin : begin + _MAX_ROWS]
        # One statement: after each, the thread waits for the interpreter's lock.
        connection.execute(_save_rows(len(batch)), [value for row in batch for value in row])


@cache
def _save_rows(count: int) -> str:
    rows = ", ".join(["(?, ?, ?)"] * count)
    # Not INSERT OR REPLACE: it writes the row at another place and both its indexes anew.
    return f"""
    INSERT INTO {LIMITS.name} (id, {EXPIRES_AT}, body) VALUES {rows}
    ON CONFLICT (id) DO UPDATE SET {EXPIRES_AT} = excluded.{EXPIRES_AT}, body = excluded.body
    """  # noqa: S608 -- our texts


def _delete_expired(connection: sqlite3.Connection, now: datetime, limit: int) -> int:
    sql = delete_expired(LIMITS.name, LIMITS.find_index(EXPIRES_AT))
    return connection.execute(sql, (to_column(now), limit)).rowcount
