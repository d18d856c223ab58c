"""The stored form of rate limits: sliding windows of counters, and how they are counted.

A period is divided into 60 sub-periods, and each has a counter. All that overlap the last period
count (61 for 60), and those that begin up to the clock skew ahead. So a limit is stricter by at
most one sub-period, and never looser.

A limit that keeps its permits has at most `MAX_PERMITS` of them instead, with their exact times.
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
_MILLISECOND: Final = timedelta(milliseconds=1)


class CounterRecord(msgspec.Struct, gc=False, frozen=True):
    """The permits of a sub-period, by its first moment."""

    begins_at: datetime
    count: int


class PermitRecord(msgspec.Struct, gc=False, frozen=True):
    """A permit that is kept: the id of its reservation, or the value that it is for."""

    reservation_id: str
    acquired_at: datetime


class RateLimitRecord(Record, kw_only=True):
    """The permits of one rate limit, whose name is the key of the record.

    `available_at` is when it has a permit again, `NOW_AVAILABLE` while it has one, in a database
    that counts by itself. Others ask `find_available`.
    """

    counters: tuple[CounterRecord, ...] = ()
    permits: tuple[PermitRecord, ...] = ()
    available_at: datetime = NOW_AVAILABLE
    expires_at: datetime = NOW_AVAILABLE

    def find_available(self, limit: RateLimit, now: datetime) -> datetime:
        """Return when the limit has a permit: now, or later."""
        if limit.keeps_permits:
            permits = self.list_permits(limit, now)
            if limit.value in [permit.reservation_id for permit in permits]:
                return now
            return limit.window.next_available([permit.acquired_at for permit in permits], now)
        since, until = now - limit.window.period - sub_period(limit), now + CLOCK_SKEW
        counted = [one for one in self.counters if since < one.begins_at <= until]
        return max(now, available_at(counted, limit))

    def acquire(self, limit: RateLimit, reservation_id: str, now: datetime) -> datetime:
        """Add a permit, and drop what no longer counts, also by a clock that is behind.

        Returns:
            The first moment of the sub-period that counts the permit; `now` if the limit keeps it.
        """
        period = limit.window.period
        if limit.keeps_permits:
            permit = PermitRecord(reservation_id if limit.value is None else limit.value, now)
            others = [
                other
                for other in self.permits
                if now - other.acquired_at < period + CLOCK_SKEW
                and (limit.value is None or other.reservation_id != limit.value)
            ]
            self.permits = (*others, permit)[-MAX_PERMITS:]
            self.expires_at = max(self.expires_at, now + period)
            return now
        length = sub_period(limit)
        begins_at = now - (now - NOW_AVAILABLE) % length
        since = now - period - length - CLOCK_SKEW
        counts = {one.begins_at: one.count for one in self.counters if one.begins_at > since}
        counts[begins_at] = counts.get(begins_at, 0) + 1
        self.counters = tuple([CounterRecord(*counter) for counter in sorted(counts.items())])
        self.expires_at = max(self.expires_at, begins_at + length + period)
        return begins_at

    def release(self, begins_at: datetime) -> None:
        """Remove a permit of a sub-period, if there is one."""
        counts = {counter.begins_at: counter.count for counter in self.counters}
        counts[begins_at] = counts.get(begins_at, 0) - 1
        self.counters = tuple(
            [CounterRecord(*counter) for counter in counts.items() if counter[1] > 0]
        )

    def list_permits(self, limit: RateLimit, now: datetime) -> list[Permit]:
        """Return the permits that are kept and count now, the latest last."""
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
    return max(_MILLISECOND, limit.window.period // SUB_PERIODS // _MILLISECOND * _MILLISECOND)


def sub_period_of(limit: RateLimit, time: datetime) -> datetime:
    """Return the first moment of the sub-period of a time."""
    return time - (time - NOW_AVAILABLE) % sub_period(limit)


def expires_at(limit: RateLimit, now: datetime) -> datetime:
    """Return when a permit that is acquired now no longer counts."""
    if limit.keeps_permits:
        return now + limit.window.period
    return sub_period_of(limit, now) + sub_period(limit) + limit.window.period


def available_at(counters: Sequence[CounterRecord], limit: RateLimit) -> datetime:
    """Return when enough of these permits no longer count, `NOW_AVAILABLE` if there are few.

    The counters are in the order of their times.
    """
    newer = 0
    for counter in reversed(counters):
        newer += counter.count
        if newer >= limit.window.limit:
            return counter.begins_at + sub_period(limit) + limit.window.period
    return NOW_AVAILABLE


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
    now, limits = reservation.acquired_at, list(reservation.limits)
    if _find_available(limits, records, now) > now:
        return find_available(reservation, records)
    for parts in reservation.divided:
        has_permits = (one for one in parts if _find_available(one.limits, records, now) <= now)
        part = next(has_permits, None)
        if part is None:
            return find_available(reservation, records)
        limits += part.limits
    changed = {limit.name: _record_of(limit, records) for limit in limits}
    counted = [(one, changed[one.name].acquire(one, reservation.id, now)) for one in limits]
    acquired = [AcquiredRecord(one.name, time) for one, time in counted if not one.keeps_permits]
    last = max((record.expires_at for record in changed.values()), default=now)
    record = ReservationRecord(
        schema_version=RESERVATIONS.schema_version, acquired=tuple(acquired), expires_at=last
    )
    return Acquisition(changed, record)


def _record_of(limit: RateLimit, records: Mapping[str, RateLimitRecord]) -> RateLimitRecord:
    return records.get(limit.name) or RateLimitRecord(schema_version=RATE_LIMITS.schema_version)
