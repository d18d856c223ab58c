"""Rate limits in SQLite: a row for each limit, and one for what each reservation acquired."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
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
from adapters.sqlite.database import Database
from adapters.sqlite.record_table import delete_expired, to_column
from adapters.sqlite.row_loader import (
    LoadedRow,
    RowLoader,
    decode_rows,
    encode_ids,
    select_rows,
)
from domain.otp.rate_limits import Permit, RateLimit, Reservation

_VERSION: Final = "0"
"""Rows of limits have none: only the writer changes them."""
_FIND_EACH: Final = select_rows("rate_limits", _VERSION)
_ADD_RESERVATION: Final = """
INSERT INTO reservations (id, expires_at, body) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
_FIND_RESERVATION: Final = "SELECT body FROM reservations WHERE id = ?"
_DELETE_RESERVATION: Final = "DELETE FROM reservations WHERE id = ?"

_encode: Final = msgspec.json.Encoder().encode


def _save_into(table: str, field_names: Collection[str]) -> str:
    """Return the statement that adds records, or sets their known fields: none is ever None."""
    known = ", ".join(f"'$.{name}'" for name in field_names)
    values = ", ".join(
        f"'$.{name}', json_extract(excluded.body, '$.{name}')" for name in field_names
    )
    # Not INSERT OR REPLACE: it writes the row at another place and both its indexes anew. To set
    # each field takes longer, and nearly always there is no other one.
    return f"""
    INSERT INTO {table} (id, expires_at, body)
    SELECT value ->> 0, value ->> 1, value -> 2 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, body = CASE
        WHEN json_remove(body, {known}) = '{{}}' THEN excluded.body
        ELSE json_set(body, {values})
    END
    """  # noqa: S608 -- our texts


_SAVE: Final = _save_into("rate_limits", RATE_LIMITS.field_names)
_SAVE_RESERVATION: Final = _save_into("reservations", RESERVATIONS.field_names)


class SqliteRateLimits:
    """Sliding windows of counters. One operation of the only writer counts and acquires."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database
        self._rows = RowLoader(database, "rate_limits", _VERSION)

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit, or return when each has one."""
        [available_at] = await self.acquire_each(reservation)
        return available_at

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Make each of the reservations whose limits all have a permit."""
        return await self._database.write(
            lambda connection: [_acquire(connection, one) for one in reservations]
        )

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits, as far as the reservation has them."""
        await self._database.write(lambda connection: _release(connection, reservation))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when each limit has a permit."""
        rows = await self._rows.load_many([limit.name for limit in reservation.all_limits])
        return find_available(reservation, _decode(rows))

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the permits of a listed limit, the latest last."""
        row = await self._rows.load(limit.name)
        return RATE_LIMITS.decode_record(row[1]).list_permits(limit, now) if row else []

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired counters, and as many reservations."""

        def delete(connection: sqlite3.Connection) -> int:
            values = (to_column(now), limit)
            tables = ("rate_limits", "reservations")
            deleted = [connection.execute(delete_expired(table), values) for table in tables]
            return max(cursor.rowcount for cursor in deleted)

        return await self._database.write(delete)


def _acquire(connection: sqlite3.Connection, reservation: Reservation) -> datetime | None:
    acquired = _try_acquire(connection, reservation.with_first_parts())
    if isinstance(acquired, datetime) and any(parts[1:] for parts in reservation.divided):
        acquired = _try_acquire(connection, reservation)
    if isinstance(acquired, datetime):
        return acquired
    _save(connection, _SAVE, acquired.limits)
    if acquired.reservation.acquired and reservation.is_releasable:
        _save_reservation(connection, reservation.id, acquired.reservation)
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
    _save(connection, _SAVE, records)


def _save_reservation(
    connection: sqlite3.Connection, reservation_id: str, record: ReservationRecord
) -> None:
    values = (reservation_id, to_column(record.expires_at), _encode(record).decode())
    if connection.execute(_ADD_RESERVATION, values).rowcount:
        return
    if earlier := _find_reservation(connection, reservation_id):
        _save(connection, _SAVE_RESERVATION, {reservation_id: record.extend(earlier)})


def _find_reservation(
    connection: sqlite3.Connection, reservation_id: str
) -> ReservationRecord | None:
    row = connection.execute(_FIND_RESERVATION, (reservation_id,)).fetchone()
    return RESERVATIONS.decode_record(row[0]) if row else None


def _find_records(
    connection: sqlite3.Connection, names: Collection[str]
) -> dict[str, RateLimitRecord]:
    row = connection.execute(_FIND_EACH, encode_ids(names)).fetchone()
    try:
        return _decode(decode_rows(row))
    except msgspec.DecodeError:
        raise RATE_LIMITS.unreadable() from None


def _save(
    connection: sqlite3.Connection,
    statement: str,
    records: Mapping[str, RateLimitRecord] | Mapping[str, ReservationRecord],
) -> None:
    # One statement: after each, the thread waits for the interpreter's lock.
    rows = [[name, to_column(record.expires_at), record] for name, record in records.items()]
    connection.execute(statement, (_encode(rows).decode(),))


def _decode(rows: Mapping[str, LoadedRow]) -> dict[str, RateLimitRecord]:
    return {name: RATE_LIMITS.decode_record(body) for name, (_, body) in rows.items()}
