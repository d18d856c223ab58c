"""Rate limits in SQLite: a row for each limit, and one for what each reservation acquired."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from adapters.records.rate_limits import (
    RATE_LIMITS,
    RESERVATIONS,
    Acquisition,
    RateLimitRecord,
    ReservationRecord,
    acquire,
    find_available,
)
from adapters.sqlite.database import Database, Row
from adapters.sqlite.record_table import delete_expired, to_column
from domain.otp.rate_limits import Permit, RateLimit, Reservation

_FIND: Final = "SELECT id, body FROM rate_limits WHERE id = ?"
_FIND_EACH: Final = "SELECT id, body FROM rate_limits WHERE id IN (SELECT value FROM json_each(?))"
_SAVE: Final = "INSERT OR REPLACE INTO rate_limits (id, expires_at, body) VALUES (?, ?, ?)"
_SAVE_RESERVATION: Final = (
    "INSERT OR REPLACE INTO reservations (id, expires_at, body) VALUES (?, ?, ?)"
)
_FIND_RESERVATION: Final = "SELECT body FROM reservations WHERE id = ?"
_DELETE_RESERVATION: Final = "DELETE FROM reservations WHERE id = ?"

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class SqliteRateLimits:
    """Sliding windows of counters. One operation of the only writer counts and acquires."""

    database: Database

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit, or return when each has one."""
        [available_at] = await self.acquire_each(reservation)
        return available_at

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Make each of the reservations whose limits all have a permit."""
        return await self.database.write(
            lambda connection: [_acquire(connection, one) for one in reservations]
        )

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits, as far as the reservation has them."""
        await self.database.write(lambda connection: _release(connection, reservation))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when each limit has a permit."""
        limits = reservation.all_limits
        rows = [await self.database.read_row(_FIND, (limit.name,)) for limit in limits]
        return find_available(reservation, _decode(filter(None, rows)))

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the permits of a listed limit, the latest last."""
        row = await self.database.read_row(_FIND, (limit.name,))
        return RATE_LIMITS.decode_record(row[1]).list_permits(limit, now) if row else []

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired counters, and as many reservations."""

        def delete(connection: sqlite3.Connection) -> int:
            values = (to_column(now), limit)
            tables = ("rate_limits", "reservations")
            deleted = [connection.execute(delete_expired(table), values) for table in tables]
            return max(cursor.rowcount for cursor in deleted)

        return await self.database.write(delete)


def _acquire(connection: sqlite3.Connection, reservation: Reservation) -> datetime | None:
    acquired = _try_acquire(connection, reservation.with_first_parts())
    if isinstance(acquired, datetime) and any(parts[1:] for parts in reservation.divided):
        acquired = _try_acquire(connection, reservation)
    if isinstance(acquired, datetime):
        return acquired
    _save(connection, acquired.limits)
    if acquired.reservation.acquired and reservation.is_releasable:
        earlier = _find_reservation(connection, reservation.id)
        record = acquired.reservation.extend(earlier) if earlier else acquired.reservation
        values = (reservation.id, to_column(record.expires_at), _encode(record).decode())
        connection.execute(_SAVE_RESERVATION, values)
    return None


def _try_acquire(
    connection: sqlite3.Connection, reservation: Reservation
) -> Acquisition | datetime:
    names = [limit.name for limit in reservation.all_limits]
    return acquire(reservation, _find_records(connection, names))


def _release(connection: sqlite3.Connection, reservation: Reservation) -> None:
    record = _find_reservation(connection, reservation.id)
    if record is None:
        return
    connection.execute(_DELETE_RESERVATION, (reservation.id,))
    released = record.released(reservation.all_limits)
    records = _find_records(connection, [limit.name for limit, _ in released])
    for limit, begins_at in released:
        if limit.name in records:
            records[limit.name].release(begins_at)
    _save(connection, records)


def _find_reservation(
    connection: sqlite3.Connection, reservation_id: str
) -> ReservationRecord | None:
    row = connection.execute(_FIND_RESERVATION, (reservation_id,)).fetchone()
    return RESERVATIONS.decode_record(row[0]) if row else None


def _find_records(
    connection: sqlite3.Connection, names: Iterable[str]
) -> dict[str, RateLimitRecord]:
    return _decode(connection.execute(_FIND_EACH, (_encode_names(names),)).fetchall())


def _save(connection: sqlite3.Connection, records: Mapping[str, RateLimitRecord]) -> None:
    rows = [
        (name, to_column(record.expires_at), _encode(record).decode())
        for name, record in records.items()
    ]
    connection.executemany(_SAVE, rows)


def _decode(rows: Iterable[Row]) -> dict[str, RateLimitRecord]:
    return {name: RATE_LIMITS.decode_record(body) for name, body in rows}


def _encode_names(names: Iterable[str]) -> str:
    return _encode(list(names)).decode()
