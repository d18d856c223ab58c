"""Rate limits in SQLite, as sliding windows.

To see whether a window is full, as many rows are read as its limit. So a large limit is divided
into parts, which are windows with names of their own. A reservation needs one of them. A limit with
values is not divided: each of its values is in one row only.
"""

import sqlite3
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import to_datetime, to_microseconds
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

MAX_PART_SIZE: Final = 100
_MICROSECOND: Final = timedelta(microseconds=1)
_CLOCK_SKEW: Final = CLOCK_SKEW // _MICROSECOND
_SLOT: Final = 20_000
"""Microseconds in which reservations begin with the same part: their rows are next to each other.

In a longer time the part would be used up, and each reservation would read it in vain.
"""

# The reservation that has to leave the window before another one fits in, if the window is full.
_FIND_BLOCKING: Final = """(
SELECT acquired_at FROM rate_limits
WHERE limit_name = ? AND acquired_at > ? AND acquired_at <= ?
ORDER BY acquired_at DESC LIMIT 1 OFFSET ?
)"""

_LIST: Final = """
SELECT reservation_id, acquired_at FROM rate_limits
WHERE limit_name = ? AND acquired_at > ? AND acquired_at <= ?
ORDER BY acquired_at
"""

_HAS_VALUE: Final = """
SELECT 1 FROM rate_limits
WHERE limit_name = ? AND acquired_at > ? AND acquired_at <= ? AND reservation_id = ?
"""

_DELETE_VALUE: Final = "DELETE FROM rate_limits WHERE limit_name = ? AND reservation_id = ?"

_ADD: Final = """
INSERT OR IGNORE INTO rate_limits (limit_name, acquired_at, reservation_id, expires_at) VALUES
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
        [available_at] = await self.acquire_each(reservation)
        return available_at

    def acquire_each(self, *reservations: Reservation) -> Awaitable[Sequence[datetime | None]]:
        """Make each of the reservations that all its windows have capacity for."""
        return self.database.write(
            lambda connection: _reserve_each(connection, reservations), is_quick=True
        )

    async def release(self, reservation: Reservation) -> None:
        """Delete the reservations, as far as they exist."""
        acquired_at = to_microseconds(reservation.acquired_at)

        def delete(connection: sqlite3.Connection) -> None:
            for limit in reservation.limits:
                for part in _parts_of(limit, acquired_at):
                    key = (part.name, acquired_at, reservation.id)
                    if connection.execute(_DELETE, key).rowcount:
                        break

        await self.database.write(delete, is_quick=True)

    def next_available(self, reservation: Reservation) -> Awaitable[datetime]:
        """Return when each window has capacity."""
        now = to_microseconds(reservation.acquired_at)

        def find(connection: sqlite3.Connection) -> datetime:
            found = _find_parts(connection, [reservation])
            available_at = max([one.available_at for one in found], default=now)
            return reservation.acquired_at if available_at == now else to_datetime(available_at)

        return self.database.read(find, is_quick=True)

    def list_permits(self, limit: RateLimit, now: datetime) -> Awaitable[Sequence[Permit]]:
        """Return the reservations in the window, the latest last."""
        until = to_microseconds(now)
        since = until - limit.window.period // _MICROSECOND
        values = (limit.name, since, until + _CLOCK_SKEW)

        def find(connection: sqlite3.Connection) -> Sequence[Permit]:
            rows = connection.execute(_LIST, values).fetchall()
            return [
                Permit(reservation_id, to_datetime(acquired_at))
                for reservation_id, acquired_at in rows
            ]

        return self.database.read(find, is_quick=True)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reservations, and return their number."""
        return await self.database.execute(_DELETE_EXPIRED, (to_microseconds(now), limit))


class _Part(NamedTuple):
    """A part of a limit. The period is in microseconds, as times in the columns."""

    name: str
    size: int
    period: int
    value: str | None

    def blocking_values(self, now: int) -> tuple[str, int, int, int]:
        """Return the values of `_FIND_BLOCKING`."""
        return self.name, now - self.period, now + _CLOCK_SKEW, self.size - 1


class _Found(NamedTuple):
    """A part with capacity, or else the one that has capacity first, and when it has."""

    part: _Part
    available_at: int


def _reserve_each(
    connection: sqlite3.Connection, reservations: Sequence[Reservation]
) -> Sequence[datetime | None]:
    """Reserve where all windows have capacity; the reservations have no limit in common."""
    all_found = iter(_find_parts(connection, reservations))
    results: list[datetime | None] = []
    rows: list[object] = []
    for reservation in reservations:
        now = to_microseconds(reservation.acquired_at)
        found = list(islice(all_found, len(reservation.limits)))
        available_at = max([one.available_at for one in found])
        if available_at > now:
            results.append(to_datetime(available_at))
            continue
        results.append(None)
        for part, _ in found:
            if part.value is not None:
                connection.execute(_DELETE_VALUE, (part.name, part.value))
            rows += (part.name, now, part.value or reservation.id, now + part.period)
    if rows:
        connection.execute(_add_sql(len(rows) // 4), rows)
    return results


def _find_parts(
    connection: sqlite3.Connection, reservations: Sequence[Reservation]
) -> Sequence[_Found]:
    """Find a part of each limit of these reservations, in their order.

    Usually the first part has capacity, which one statement finds for all limits.
    """
    limits = [
        (limit, now)
        for reservation in reservations
        for now in [to_microseconds(reservation.acquired_at)]
        for limit in reservation.limits
    ]
    if not limits:
        return []
    firsts = [_part_of(limit, now, 0) for limit, now in limits]
    values = [
        value
        for part, (_, now) in zip(firsts, limits, strict=True)
        for value in part.blocking_values(now)
    ]
    all_blocking = connection.execute(_blocking_sql(len(firsts)), values).fetchone()
    return [
        _Found(first, now) if blocking is None else _find_part(connection, limit, now)
        for (limit, now), first, blocking in zip(limits, firsts, all_blocking, strict=True)
    ]


@cache
def _add_sql(count: int) -> str:
    # In one statement: each step of one gives up the interpreter's lock.
    return _ADD + ", ".join(["(?, ?, ?, ?)"] * count)


@cache
def _blocking_sql(count: int) -> str:
    return f"SELECT {', '.join([_FIND_BLOCKING] * count)}"


def _find_part(connection: sqlite3.Connection, limit: RateLimit, now: int) -> _Found:
    parts = []
    for part in _parts_of(limit, now):
        found = _Found(part, _part_available_at(connection, part, now))
        if found.available_at == now:
            return found
        parts.append(found)
    return min(parts, key=lambda found: found.available_at)


def _parts_of(limit: RateLimit, acquired_at: int) -> Iterator[_Part]:
    """Yield the parts of a limit and its fallback, in the order in which they are tried."""
    for position in range(_count_parts(limit)):
        yield _part_of(limit, acquired_at, position)
    if limit.fallback is not None:
        yield from _parts_of(limit.fallback, acquired_at)


def _count_parts(limit: RateLimit) -> int:
    return 1 if limit.value is not None else -(-limit.window.limit // MAX_PART_SIZE)


def _part_of(limit: RateLimit, acquired_at: int, position: int) -> _Part:
    """Return the part at this position in the order in which they are tried, from 0.

    The order depends on the time. So all parts fill up at the same rate, and the first one has
    capacity until the limit is nearly used up.
    """
    total, period = limit.window.limit, limit.window.period // _MICROSECOND
    count = _count_parts(limit)
    if count == 1:
        return _Part(limit.name, total, period, limit.value)
    number = (acquired_at // min(_SLOT, period // count) + position) % count
    size = total // count + (number < total % count)
    return _Part(f"{limit.name} #{number}", size, period, None)


def _part_available_at(connection: sqlite3.Connection, part: _Part, now: int) -> int:
    name, since, latest, _ = values = part.blocking_values(now)
    if part.value is not None:
        found = connection.execute(_HAS_VALUE, (name, since, latest, part.value))
        if found.fetchone():
            return now
    [blocking] = connection.execute(_blocking_sql(1), values).fetchone()
    return now if blocking is None else blocking + part.period
