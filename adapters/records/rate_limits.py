"""The stored form of rate limits: sliding windows of counters, and how they are counted.

A period is divided into 60 sub-periods, and each has a counter. All that overlap the last period
count (61 for 60), and those that begin up to the clock skew ahead. So a limit is stricter by at
most one sub-period, and never looser.

A listed limit has at most `MAX_PERMITS` permits instead, with their exact times.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from adapters.records.mapping import Record, RecordMapping
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

SUB_PERIODS: Final = 60
MAX_PERMITS: Final = 250
NOW_AVAILABLE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What `available_at` is while a limit has a permit; sub-periods are counted from it."""
MILLISECOND: Final = timedelta(milliseconds=1)


class PermitRecord(msgspec.Struct, gc=False, frozen=True):
    """A permit of a listed limit, and the id of its reservation."""

    reservation_id: str
    acquired_at: datetime


class RateLimitRecord(Record, kw_only=True):
    """The permits of one rate limit, whose name is the key of the record.

    `counters` has the number of permits of each sub-period by its `counter_key`. A database that
    counts by itself keeps them in the order of their times, and what it decides by:

    - `total` is the sum of all counters, `oldest` and `newest` are the keys of two of them.
    - `available_at` is when the limit has a permit again, `NOW_AVAILABLE` while it has one.
    """

    counters: dict[str, int] = msgspec.field(default_factory=dict)
    total: int = 0
    oldest: str = ""
    newest: str = ""
    permits: tuple[PermitRecord, ...] = ()
    available_at: datetime = NOW_AVAILABLE
    expires_at: datetime = NOW_AVAILABLE

    def find_available(self, limit: RateLimit, now: datetime) -> datetime:
        """Return when the limit has a permit: now, or later."""
        if limit.is_listed:
            permits = self.list_permits(limit, now)
            return limit.window.next_available([permit.acquired_at for permit in permits], now)
        if sum(self.counters.values()) < limit.window.limit:
            return now
        since = counter_key(now - limit.window.period - sub_period(limit))
        until = counter_key(now + CLOCK_SKEW)
        newer = 0
        for key in sorted(self.counters, reverse=True):
            newer += self.counters[key] if since < key <= until else 0
            if newer >= limit.window.limit:
                begins_at = NOW_AVAILABLE + int(key) * MILLISECOND
                return max(now, begins_at + sub_period(limit) + limit.window.period)
        return now

    def acquire(self, limit: RateLimit, reservation_id: str, now: datetime) -> datetime:
        """Add a permit, and drop what no longer counts, also by a clock that is behind.

        Returns:
            The first moment of the sub-period that counts the permit; `now` if the limit is listed.
        """
        period = limit.window.period
        if limit.is_listed:
            others = [
                other for other in self.permits if now - other.acquired_at < period + CLOCK_SKEW
            ]
            self.permits = (*others, PermitRecord(reservation_id, now))[-MAX_PERMITS:]
            self.expires_at = max(self.expires_at, now + period)
            return now
        begins_at = sub_period_of(limit, now)
        since, key = counter_key(begins_at - kept_for(limit)), counter_key(begins_at)
        self.counters = {other: count for other, count in self.counters.items() if other > since}
        self.counters[key] = self.counters.get(key, 0) + 1
        self.expires_at = max(self.expires_at, expires_at(limit, now))
        return begins_at

    def release(self, begins_at: datetime) -> None:
        """Remove a permit of a sub-period, if there is one."""
        key = counter_key(begins_at)
        if self.counters.get(key):
            self.counters[key] -= 1

    def list_permits(self, limit: RateLimit, now: datetime) -> list[Permit]:
        """Return the permits of a listed limit that count now, the latest last."""
        permits = [
            Permit(permit.reservation_id, permit.acquired_at)
            for permit in self.permits
            if now - limit.window.period < permit.acquired_at <= now + CLOCK_SKEW
        ]
        return sorted(permits, key=lambda permit: permit.acquired_at)


class AcquiredRecord(msgspec.Struct, gc=False, frozen=True):
    """A permit of a reservation: of which limit, and in which sub-period."""

    limit_name: str
    begins_at: datetime


class ReservationRecord(Record, kw_only=True):
    """What a reservation acquired; its id is the key of the record."""

    acquired: tuple[AcquiredRecord, ...]
    expires_at: datetime

    def extend(self, earlier: "ReservationRecord") -> "ReservationRecord":
        """Return this one with what the same id acquired earlier."""
        return ReservationRecord(
            schema_version=self.schema_version,
            acquired=earlier.acquired + self.acquired,
            expires_at=max(earlier.expires_at, self.expires_at),
        )

    def released(self, limits: Iterable[RateLimit]) -> Sequence[tuple[RateLimit, datetime]]:
        """Return the limits among these whose permits it has, each with the sub-period."""
        by_name = {limit.name: limit for limit in limits}
        return [
            (by_name[one.limit_name], one.begins_at)
            for one in self.acquired
            if one.limit_name in by_name
        ]


RATE_LIMITS: Final = RecordMapping("rate_limits", RateLimitRecord, RateLimitRecord)
RESERVATIONS: Final = RecordMapping("reservations", ReservationRecord, ReservationRecord)
"""Both are used as they are stored: the domain has no value for them."""


def sub_period(limit: RateLimit) -> timedelta:
    """Return the length of a sub-period, in whole milliseconds as databases have them."""
    return max(MILLISECOND, limit.window.period // SUB_PERIODS // MILLISECOND * MILLISECOND)


def sub_period_of(limit: RateLimit, time: datetime) -> datetime:
    """Return the first moment of the sub-period of a time."""
    return time - (time - NOW_AVAILABLE) % sub_period(limit)


def expires_at(limit: RateLimit, now: datetime) -> datetime:
    """Return when a permit that is acquired now no longer counts."""
    if limit.is_listed:
        return now + limit.window.period
    return sub_period_of(limit, now) + sub_period(limit) + limit.window.period


def kept_for(limit: RateLimit) -> timedelta:
    """Return how long after its begin a counter may count, also by a clock that is behind."""
    return limit.window.period + sub_period(limit) + CLOCK_SKEW


def counter_key(begins_at: datetime) -> str:
    """Return the key of a counter, the milliseconds since 1970: 13 digits from 2001 to 2286."""
    return str((begins_at - NOW_AVAILABLE) // MILLISECOND)


def find_available(reservation: Reservation, records: Mapping[str, RateLimitRecord]) -> datetime:
    """Return when there is a permit of each limit, and of a part of each divided one."""
    now = reservation.acquired_at
    of_parts = [
        min(_find_available(part.limits, records, now) for part in parts)
        for parts in reservation.divided
    ]
    return max([_find_available(reservation.limits, records, now), *of_parts])


def _find_available(
    limits: Iterable[RateLimit], records: Mapping[str, RateLimitRecord], now: datetime
) -> datetime:
    return max([_record_of(one, records).find_available(one, now) for one in limits], default=now)


def select_limits(
    reservation: Reservation, records: Mapping[str, RateLimitRecord]
) -> list[RateLimit] | None:
    """Return the limits of a reservation and of the first parts with permits, if all have one."""
    now, limits = reservation.acquired_at, list(reservation.limits)
    if _find_available(limits, records, now) > now:
        return None
    for parts in reservation.divided:
        has_permits = (one for one in parts if _find_available(one.limits, records, now) <= now)
        part = next(has_permits, None)
        if part is None:
            return None
        limits += part.limits
    return limits


class Acquisition(NamedTuple):
    """What an accepted reservation changes: records of limits by name, and its own record."""

    limits: Mapping[str, RateLimitRecord]
    reservation: ReservationRecord


def acquire(
    reservation: Reservation, records: Mapping[str, RateLimitRecord]
) -> Acquisition | datetime:
    """Return what a reservation changes, or the time when each of its limits has a permit.

    Args:
        reservation: The reservation.
        records: The records that exist, by the names of all limits.
    """
    now, limits = reservation.acquired_at, select_limits(reservation, records)
    if limits is None:
        return find_available(reservation, records)
    changed = {limit.name: _record_of(limit, records) for limit in limits}
    counted = [(one, changed[one.name].acquire(one, reservation.id, now)) for one in limits]
    acquired = [AcquiredRecord(one.name, time) for one, time in counted if not one.is_listed]
    last = max((record.expires_at for record in changed.values()), default=now)
    record = ReservationRecord(
        schema_version=RESERVATIONS.schema_version, acquired=tuple(acquired), expires_at=last
    )
    return Acquisition(changed, record)


def _record_of(limit: RateLimit, records: Mapping[str, RateLimitRecord]) -> RateLimitRecord:
    return records.get(limit.name) or RateLimitRecord(schema_version=RATE_LIMITS.schema_version)
