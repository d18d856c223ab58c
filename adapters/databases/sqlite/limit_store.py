"""Rate limits: a row for each subject and purpose. Only the writer changes them."""

import asyncio
import sqlite3
from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, Final, TypeVar

import msgspec

from adapters.databases.records.call_deadlines import PatientTimeout
from adapters.databases.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    LoadedRecords,
    apply_changes,
    ids_of,
)
from adapters.databases.records.limits import (
    LIMITS,
    LimitRecord,
    LimitRecords,
    count_used,
    find_available,
    record_ids,
)
from adapters.databases.records.record_kind import EXPIRES_AT
from adapters.databases.records.record_store import decode_row
from adapters.databases.sql.limit_rows import decode_limits
from adapters.databases.sql.statements import delete_expired
from adapters.databases.sqlite.connection_worker import OPERATION_TIMEOUT
from adapters.databases.sqlite.database import SqliteDatabase
from adapters.databases.sqlite.dialect import SQLITE, merge, to_column
from adapters.databases.sqlite.row_loader import decode_rows, make_row_loader, select_rows
from application.ports.errors import StorageTimeout
from domain.otp.rate_limits import RateLimit

T = TypeVar("T")

_MAX_ROWS: Final = 100

_DELETE_EXPIRED: Final = delete_expired(SQLITE, LIMITS)

_encode: Final = msgspec.json.Encoder().encode


class SqliteLimitStore:
    """Sliding windows of counters. Calls that wait together are one operation of the writer."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._rows = make_row_loader(database, LIMITS.name)
        self._batches = LimitBatches(self._execute)

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        return await self._limit_time(self._batches.acquire(limits, now))

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        await self._limit_time(self._batches.release(limits, acquired_at))

    async def next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        return find_available(limits, await self._load_records(record_ids(limits)), now)

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(limits, await self._load_records(record_ids(limits)), now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._database.execute(_DELETE_EXPIRED, (to_column(now), limit))

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
            async with PatientTimeout(asyncio.get_running_loop().time() + OPERATION_TIMEOUT):
                return await call
        except TimeoutError:
            failure = StorageTimeout(f"no response within {OPERATION_TIMEOUT:g} seconds")
            raise self._database.writer.answers.explain(failure) from None


def _apply(connection: sqlite3.Connection, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
    outcomes, changed = apply_changes(changes, _load(connection, ids_of(changes)))
    _save(connection, changed)
    return outcomes


def _load(connection: sqlite3.Connection, record_ids: Sequence[str]) -> LoadedRecords:
    rows: list[tuple[str, int, msgspec.Raw]] = []
    for begin in range(0, len(record_ids), _MAX_ROWS):
        wanted = record_ids[begin : begin + _MAX_ROWS]
        sql = select_rows(LIMITS.name, len(wanted))
        rows += decode_rows(LIMITS.name, connection.execute(sql, wanted).fetchone())
    return decode_limits(rows)


def _save(connection: sqlite3.Connection, changed: LimitRecords) -> None:
    rows = [
        (record_id, to_column(record.expires_at), _encode(record).decode())
        for record_id, record in changed.items()
    ]
    for begin in range(0, len(rows), _MAX_ROWS):
        batch = rows[begin : begin + _MAX_ROWS]
        # A single statement: after each, the thread waits for the interpreter's lock.
        connection.execute(_save_rows(len(batch)), [value for row in batch for value in row])


@cache
def _save_rows(count: int) -> str:
    rows = ", ".join(["(?, ?, ?)"] * count)
    body = merge(sorted(LIMITS.field_names), stored=f"{LIMITS.name}.body", new="excluded.body")
    # Not INSERT OR REPLACE: it writes the row at another place and both its indexes anew.
    return f"""
    INSERT INTO {LIMITS.name} (id, {EXPIRES_AT}, body) VALUES {rows}
    ON CONFLICT (id) DO UPDATE SET {EXPIRES_AT} = excluded.{EXPIRES_AT}, body = {body}
    """  # noqa: S608 -- our texts
