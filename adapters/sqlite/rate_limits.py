"""Rate limits in SQLite, as sliding windows.

To see whether a window is full, as many rows are read as its limit. So a large limit is divided
into parts, which are windows with names of their own. A reservation needs one of them. A limit with
values is not divided: each of its values is in one row only.
"""

import sqlite3
from collections.abc import Awaitable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, count, islice
from operator import itemgetter
from typing import Final, NamedTuple

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import to_datetime, to_microseconds
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW
from domain.values import dataclass

MAX_PART_SIZE: Final = 100
_MICROSECOND: Final = timedelta(microseconds=1)
_CLOCK_SKEW: Final = CLOCK_SKEW // _MICROSECOND
_SLOT: Final = 20_000
"""Microseconds in which reservations begin with the same part: their rows are next to each other.

In a longer time the part would be used up, and each reservation would read it in vain.
"""

# The reservation that has to leave the window before another one fits in, if the window is full.
# It is named: otherwise each execution makes a name of its whole text.
_FIND_BLOCKING: Final = """(
SELECT acquired_at FROM rate_limits
WHERE limit_name = ?{name} AND acquired_at > ?{now} - ?{period} AND acquired_at <= ?{latest}
ORDER BY acquired_at DESC LIMIT 1 OFFSET ?{size} - 1
) AS acquired_at"""

_FIND_ONE: Final = "SELECT " + _FIND_BLOCKING.format(now=1, latest=2, name=3, size=4, period=5)

_FIND_VALUE: Final = """(
SELECT 1 FROM rate_limits WHERE limit_name = ?{name} AND reservation_id = ?{id} LIMIT 1
) AS is_known"""

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

_ROW: Final = "(?{name}, ?{now}, ?{id}, ?{now} + ?{period})"

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
                for name, *_ in _parts_of(limit, acquired_at):
                    key = (name, acquired_at, reservation.id)
                    if connection.execute(_DELETE, key).rowcount:
                        break

        await self.database.write(delete, is_quick=True)

    def next_available(self, reservation: Reservation) -> Awaitable[datetime]:
        """Return when each window has capacity."""
        return self.database.read(
            lambda connection: _find_available(connection, reservation), is_quick=True
        )

    def list_permits(self, limit: RateLimit, now: datetime) -> Awaitable[Sequence[Permit]]:
        """Return the reservations in the window, the latest last."""
        until = to_microseconds(now)
        since = until - limit.window.period // _MICROSECOND
        values = (limit.name, since, until + _CLOCK_SKEW)
        return self.database.read(
            lambda connection: [
                Permit(reservation_id, to_datetime(acquired_at))
                for reservation_id, acquired_at in connection.execute(_LIST, values).fetchall()
            ],
            is_quick=True,
        )

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reservations, and return their number."""
        return await self.database.execute(_DELETE_EXPIRED, (to_microseconds(now), limit))


_Part = tuple[str, int, int] | tuple[str, int, int, str]
"""A part of a limit: its name, size, and period in microseconds, and the limit's value if any."""
_Found = tuple[_Part, int]
"""A part with capacity, or else the one that has capacity first, and when it has."""
_Claim = tuple[str, int, Sequence[_Part]]
"""The id and the time of a reservation, and a part of each of its limits."""


class _Statements(NamedTuple):
    """Find what blocks the parts of claims and earlier permits of their values; add permits.

    Both have the same values.
    """

    find: str
    add: str


def _find_available(connection: sqlite3.Connection, reservation: Reservation) -> datetime:
    claim = _claim_first_parts(reservation)
    statements, values = _prepare([claim])
    blocking = connection.execute(statements.find, values).fetchone()
    if blocking.count(None) == len(blocking):
        return reservation.acquired_at
    found = _find_parts(connection, reservation, claim, iter(blocking))
    available_at = max([available_at for _, available_at in found])
    return max(reservation.acquired_at, to_datetime(available_at))


def _reserve_each(
    connection: sqlite3.Connection, reservations: Sequence[Reservation]
) -> Sequence[datetime | None]:
    """Reserve where all windows have capacity; the reservations have no limit in common.

    Usually the first parts have capacity, which one statement finds for all limits.
    """
    claims = [_claim_first_parts(reservation) for reservation in reservations]
    statements, values = _prepare(claims)
    blocking = connection.execute(statements.find, values).fetchone()
    if blocking.count(None) == len(blocking):
        connection.execute(statements.add, values)
        return [None] * len(reservations)
    blocking_in_turn = iter(blocking)
    return [
        _reserve(connection, _find_parts(connection, reservation, claim, blocking_in_turn), claim)
        for reservation, claim in zip(reservations, claims, strict=True)
    ]


def _reserve(
    connection: sqlite3.Connection, found: Sequence[_Found], claim: _Claim
) -> datetime | None:
    """Reserve if all windows have capacity, and delete earlier permits of the same value."""
    reservation_id, now, _ = claim
    available_at = max([available_at for _, available_at in found])
    if available_at > now:
        return to_datetime(available_at)
    for (name, _, _, *limit_values), _ in found:
        for value in limit_values:
            connection.execute(_DELETE_VALUE, (name, value))
    statements, values = _prepare([(reservation_id, now, [part for part, _ in found])])
    connection.execute(statements.add, values)
    return None


def _find_parts(
    connection: sqlite3.Connection,
    reservation: Reservation,
    claim: _Claim,
    blocking: Iterator[int | None],
) -> Sequence[_Found]:
    """Find a part of each limit, given what blocks the first part of each."""
    _, now, firsts = claim
    return [
        (first, now) if blocked_by is None else _find_part(connection, limit, now, blocked_by)
        for limit, first in zip(reservation.limits, firsts, strict=True)
        for blocked_by in islice(blocking, 1)
    ]


def _claim_first_parts(reservation: Reservation) -> _Claim:
    now = to_microseconds(reservation.acquired_at)
    return reservation.id, now, [_part_of(limit, now, 0) for limit in reservation.limits]


def _prepare(claims: Sequence[_Claim]) -> tuple[_Statements, Sequence[object]]:
    """Return the statements for these claims, and the values of each."""
    sizes: list[tuple[int, ...]] = []
    values: list[object] = []
    for reservation_id, now, parts in claims:
        sizes.append(tuple(map(len, parts)))
        values += (now, now + _CLOCK_SKEW, reservation_id, *chain.from_iterable(parts))
    return _statements_for(tuple(sizes)), values


@cache
def _statements_for(sizes: Sequence[Sequence[int]]) -> _Statements:
    """Return the statements for claims, given how many values each of their parts has.

    Each is one statement: each step of one gives up the interpreter's lock.
    """
    all_blocking: list[str] = []
    earlier: list[str] = []
    rows: list[str] = []
    numbers = count(1)
    for part_sizes in sizes:
        now, latest, reservation_id = islice(numbers, 3)
        for part_size in part_sizes:
            name, size, period, *value = islice(numbers, part_size)
            [row_id] = value or [reservation_id]
            all_blocking.append(
                _FIND_BLOCKING.format(name=name, now=now, latest=latest, period=period, size=size)
            )
            if value:
                earlier.append(_FIND_VALUE.format(name=name, id=row_id))
            rows.append(_ROW.format(name=name, now=now, id=row_id, period=period))
    return _Statements("SELECT " + ", ".join(all_blocking + earlier), _ADD + ", ".join(rows))


def _find_part(
    connection: sqlite3.Connection, limit: RateLimit, now: int, blocked_by: int | None
) -> _Found:
    """Find a part of a limit, given what blocks the first one."""
    found: list[_Found] = []
    for part in _parts_of(limit, now):
        name, size, period, *limit_values = part
        latest = now + _CLOCK_SKEW
        if found:
            one = connection.execute(_FIND_ONE, (now, latest, name, size, period))
            [blocked_by] = one.fetchone()
        if blocked_by is None:
            return part, now
        for value in limit_values:
            if connection.execute(_HAS_VALUE, (name, now - period, latest, value)).fetchone():
                return part, now
        found.append((part, blocked_by + period))
    return min(found, key=itemgetter(1))


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
    window = limit.window
    period, slot, parts = _divide(window.limit, window.period)
    if limit.value is not None:
        return limit.name, window.limit, period, limit.value
    suffix, size = parts[(acquired_at // slot + position) % len(parts)]
    return limit.name + suffix, size, period


@cache
def _divide(limit: int, period: timedelta) -> tuple[int, int, Sequence[tuple[str, int]]]:
    """Divide a window into parts.

    Returns:
        The period, how long reservations begin with the same part, and the parts: the end of the
        name of each, and its size. Times are in microseconds.
    """
    microseconds = period // _MICROSECOND
    part_count = -(-limit // MAX_PART_SIZE)
    slot = min(_SLOT, microseconds // part_count)
    if part_count == 1:
        return microseconds, slot, [("", limit)]
    size, larger = divmod(limit, part_count)
    parts = [(f" #{number}", size + (number < larger)) for number in range(part_count)]
    return microseconds, slot, parts
