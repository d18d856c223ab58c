"""Rate limits in SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import to_datetime, to_microseconds
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

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
    """Sliding windows with a row for each reservation.

    One operation of the only writer counts and reserves, so no other write gets in between.
    """

    database: Database

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Reserve in all windows, or return when each of them has capacity."""

        def reserve(connection: sqlite3.Connection) -> datetime | None:
            available_at = _available_at(connection, reservation)
            if available_at > reservation.acquired_at:
                return available_at
            acquired_at = to_microseconds(reservation.acquired_at)
            connection.executemany(
                _ADD,
                [
                    (
                        limit.name,
                        acquired_at,
                        reservation.id,
                        to_microseconds(reservation.acquired_at + limit.window.period),
                    )
                    for limit in reservation.limits
                ],
            )
            return None

        return await self.database.write(reserve)

    async def release(self, reservation: Reservation) -> None:
        """Delete the reservations, as far as they exist."""
        keys = [
            (limit.name, to_microseconds(reservation.acquired_at), reservation.id)
            for limit in reservation.limits
        ]
        await self.database.write(lambda connection: connection.executemany(_DELETE, keys))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when each window has capacity."""
        return await self.database.read(lambda connection: _available_at(connection, reservation))

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


def _available_at(connection: sqlite3.Connection, reservation: Reservation) -> datetime:
    now = reservation.acquired_at
    times = [_limit_available_at(connection, limit, now) for limit in reservation.limits]
    return max(times, default=now)


def _limit_available_at(
    connection: sqlite3.Connection, limit: RateLimit, now: datetime
) -> datetime:
    values = {**_window_values(limit, now), "limit": limit.window.limit}
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
