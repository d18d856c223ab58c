"""Rate limits: a row for each subject and purpose, which a batch locks, reads and writes."""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES, encode_json, encode_text, unknown_fields
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.row_loader import RowLoader, read_rows
from adapters.databases.postgres.sessions import Sessions, Values
from adapters.databases.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
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
from adapters.databases.records.record_store import decode_row
from adapters.databases.sql.limit_rows import decode_limits
from adapters.databases.sql.statements import delete_expired
from application.ports.errors import ConcurrencyConflict, StorageTimeout
from domain.otp.rate_limits import RateLimit

MAX_ATTEMPTS: Final = 10
MAX_PAUSE: Final = 0.05
"""Maximum seconds before a batch is repeated."""
_MINUTE: Final = timedelta(minutes=1)
_CONFLICT: Final = "too many concurrent calls for a limit"

# All batches lock rows in the order of the ids, and then add rows in that order. So a batch that
# waits for a row holds none that the other one may wait for.
_LOCK: Final = f"""
SELECT id, version, body::text FROM {LIMITS.name} WHERE id = ANY(%b) ORDER BY id FOR UPDATE
"""  # noqa: S608 -- our text
_CHANGED: Final = """
unnest(%b::text[], %b::timestamptz[], %b::text[]) AS changed (id, expires_at, body)
"""
_ADD: Final = f"""
INSERT INTO {LIMITS.name} (id, expires_at, body)
SELECT id, expires_at, body::jsonb FROM {_CHANGED} ORDER BY id COLLATE "C"
"""  # noqa: S608 -- our texts
_SAVE: Final = f"""
UPDATE {LIMITS.name} SET expires_at = changed.expires_at,
    body = changed.body::jsonb || {unknown_fields(LIMITS.name, LIMITS.field_names)}
FROM {_CHANGED} WHERE {LIMITS.name}.id = changed.id
"""  # noqa: S608 -- our texts
_DELETE_EXPIRED: Final = delete_expired(POSTGRES, LIMITS)

# Others have added one of the rows, or PostgreSQL asks for a repetition. Nothing was done.
_PREVENTED: Final = (UniqueViolation, DeadlockDetected, SerializationFailure)

_encode: Final = msgspec.json.Encoder().encode


class PostgresLimitStore:
    """A `LimitStore`: a batch is one transaction of two round trips."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._rows = RowLoader(database, LIMITS.name)
        self._batches = LimitBatches(self._execute)
        database.batches.append(self._batches)

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        return await self._database.wait(lambda: self._batches.acquire(limits, now), StorageTimeout)

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        await self._database.wait(
            lambda: self._batches.release(limits, acquired_at), StorageTimeout
        )

    async def next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        return find_available(limits, await self._load_records(record_ids(limits)), now)

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(limits, await self._load_records(record_ids(limits)), now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._database.write(_DELETE_EXPIRED, (now, limit))

    async def _load_records(self, ids: Collection[str]) -> Mapping[str, LimitRecord]:
        rows = await self._rows.load_many(ids)
        return {
            record_id: decode_row(LIMITS, record_id, version, body).record
            for record_id, (version, body) in rows.items()
        }

    async def _execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        row_ids = [encode_text(record_id) for record_id in ids_of(changes)]

        async def execute(connection: PostgresConnection) -> Sequence[ChangeOutcome]:
            for _ in range(MAX_ATTEMPTS):
                try:
                    return await _execute_once(
                        self._database.sessions, connection, changes, row_ids
                    )
                except _PREVENTED:
                    await connection.rollback()
                await asyncio.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 -- no secret
            raise ConcurrencyConflict(_CONFLICT)

        return await self._database.run(execute)


async def _execute_once(
    sessions: Sessions,
    connection: PostgresConnection,
    changes: Sequence[Change],
    row_ids: Sequence[str],
) -> Sequence[ChangeOutcome]:
    async with sessions.transaction(connection) as transaction:
        cursor = await connection.execute(_LOCK, (row_ids,))
        loaded = decode_limits(read_rows(await cursor.fetchall()))
        existing = frozenset(loaded)
        outcomes, changed = apply_changes(changes, loaded)
        added = {
            record_id: record for record_id, record in changed.items() if record_id not in existing
        }
        saved = {
            record_id: record for record_id, record in changed.items() if record_id in existing
        }
        if added:
            await connection.execute(_ADD, _columns_of(added))
        if saved:
            await connection.execute(_SAVE, _columns_of(saved))
        if not changed:
            # Then nothing is written to the disk, not even the locks.
            transaction.end = "ROLLBACK"
    return outcomes


def _columns_of(records: LimitRecords) -> Values:
    ids = [encode_text(record_id) for record_id in records]
    times = [next_minute(record.expires_at) for record in records.values()]
    bodies = [encode_json(_encode(record).decode()) for record in records.values()]
    return ids, times, bodies


def next_minute(time: datetime) -> datetime:
    """Return when a row may be deleted.

    A row whose indexed columns stay the same is updated without its indexes, and those that all
    deliveries count on are updated each time.
    """
    return time.replace(second=0, microsecond=0) + _MINUTE
