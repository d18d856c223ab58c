"""Rate limits in SQLite, as sliding windows.

To see whether a window is full, as many rows are read as its limit. So a large limit is divided
into parts, which are windows with names of their own. A reservation needs one of them. A limit with
values is not divided: each of its values is in one row only.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import to_datetime, to_microseconds
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow

MAX_PART_SIZE: Final = 100

# The reservation that has to leave the window before another one fits in, if the window is full.
_FIND_BLOCKING: Final = """
SELECT acquired_at FROM rate_limits
WHERE limit_name = :limit_name AND acquired_at > :after AND acquired_at <= :latest
ORDER BY acquired_at DESC LIMIT 1 OFFSET :limit - 1
"""

_LIST: Final = """
SELECT reservation_id, acquired_at FROM rate_limits
WHERE limit_name = :limit_name AND acquired_at > :after AND acquired_at <= :latest
ORDER BY acquired_at
"""

_HAS_VALUE: Final = """
SELECT 1 FROM rate_limits
WHERE limit_name = :limit_name AND acquired_at > :after AND acquired_at <= :latest
    AND reservation_id = :value
"""

_DELETE_VALUE: Final = "DELETE FROM rate_limits WHERE limit_name = ? AND reservation_id = ?"

_ADD: Final = """
INSERT OR IGNORE INTO rate_limits (limit_name, acquired_at, reservation_id, expires_at)
VALUES (?, ?, ?, ?)
"""

_DELETE: Final = """
DELETE FROM rate_limits WHERE limit_name = ? AND acquired_at = ? AND reservation_id = ?
"""

_DELETE_EXPIRED: Final = """
DELETE FROM rate_limits WHERE (limit_name, acquired_at, reservation_id) IN (
    SELECT limit_name, acquired_at, reservation_id FROM rate_limits
    WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class SqliteRateLimits:
    """Sliding windows with a row for each reservation, or for each value of a limit with values.

    One operation of the only writer counts and reserves, so no other write gets in between.
    """

    database: Database

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Reserve in all windows, or return when each of them has capacity."""

        def reserve(connection: sqlite3.Connection) -> datetime | None:
            parts = [_find_part(connection, limit, reservation) for limit in reservation.limits]
            available_at = max(part.available_at for part in parts)
            if available_at > reservation.acquired_at:
                return available_at
            values = [(limit.name, limit.value) for limit in reservation.limits if limit.value]
            connection.executemany(_DELETE_VALUE, values)
            connection.executemany(
                _ADD,
                [
                    (
                        part.limit.name,
                        to_microseconds(reservation.acquired_at),
                        part.limit.value or reservation.id,
                        to_microseconds(reservation.acquired_at + part.limit.window.period),
                    )
                    for part in parts
                ],
            )
            return None

        return await self.database.write(reserve)

    async def release(self, reservation: Reservation) -> None:
        """Delete the reservations, as far as they exist."""
        acquired_at = to_microseconds(reservation.acquired_at)

        def delete(connection: sqlite3.Connection) -> None:
            for limit in reservation.limits:
                for part in _parts_of(limit, reservation.acquired_at):
                    key = (part.name, acquired_at, reservation.id)
                    if connection.execute(_DELETE, key).rowcount:
                        break

        await self.database.write(delete)

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when each window has capacity."""

        def find(connection: sqlite3.Connection) -> datetime:
            parts = [_find_part(connection, limit, reservation) for limit in reservation.limits]
            return max((part.available_at for part in parts), default=reservation.acquired_at)

        return await self.database.read(find)

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the reservations in the window, the latest last."""
        rows = await self.database.read(
            lambda connection: connection.execute(_LIST, _window_values(limit, now)).fetchall()
        )
        return [
            Permit(reservation_id, to_datetime(acquired_at)) for reservation_id, acquired_at in rows
        ]

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reservations, and return their number."""
        return await self.database.execute(_DELETE_EXPIRED, (to_microseconds(now), limit))


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a limit, and when it has capacity."""

    limit: RateLimit
    available_at: datetime


def _find_part(connection: sqlite3.Connection, limit: RateLimit, reservation: Reservation) -> _Part:
    """Find a part with capacity, or else the part that has capacity first."""
    parts = []
    for part in _parts_of(limit, reservation.acquired_at):
        available_at = _part_available_at(connection, part, reservation.acquired_at)
        parts.append(_Part(part, available_at))
        if available_at == reservation.acquired_at:
            return parts[-1]
    return min(parts, key=lambda part: part.available_at)


def _parts_of(limit: RateLimit, acquired_at: datetime) -> Iterator[RateLimit]:
    """Return the parts of a limit and its fallback, in the order in which they are tried.

    Reservations of the same second begin with the same part: their rows are next to each other.
    """
    total, period = limit.window.limit, limit.window.period
    count = -(-total // MAX_PART_SIZE)
    if count == 1 or limit.value is not None:
        yield limit
    else:
        first = int(acquired_at.timestamp())
        for number in range(first, first + count):
            size = total // count + (number % count < total % count)
            yield RateLimit(f"{limit.name} #{number % count}", SlidingWindow(size, period))
    if limit.fallback is not None:
        yield from _parts_of(limit.fallback, acquired_at)


def _part_available_at(connection: sqlite3.Connection, limit: RateLimit, now: datetime) -> datetime:
    window = _window_values(limit, now)
    if limit.value is not None:
        found = connection.execute(_HAS_VALUE, {**window, "value": limit.value}).fetchone()
        if found:
            return now
    values = {**window, "limit": limit.window.limit}
    row = connection.execute(_FIND_BLOCKING, values).fetchone()
    if row is None:
        return now
    age = timedelta(microseconds=to_microseconds(now) - row[0])
    return now - age + limit.window.period


def _window_values(limit: RateLimit, now: datetime) -> dict[str, str | int]:
    return {
        "limit_name": limit.name,
        "after": to_microseconds(now - limit.window.period),
        "latest": to_microseconds(now + CLOCK_SKEW),
    }
