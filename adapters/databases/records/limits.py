"""The stored form of rate limits, and how permits are counted: for every `LimitStore`.

Each of the 60 sub-periods of a period has a counter. All that overlap the last period count (61 for
60), and those that begin up to the clock skew ahead.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.retention import Retention
from domain.otp.rate_limits import RateLimit
from domain.otp.sliding_window import CLOCK_SKEW

SUB_PERIODS: Final = 60
MAX_COUNTERS: Final = 150
"""A window with more has counters that no longer count, and is to be written anew without them."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class WindowRecord(msgspec.Struct, gc=False):
    """The permits of a window.

    Attributes:
        counters: The number of permits of each sub-period, by its `counter_key`.
        total: The sum of all counters. It is never less than what counts at any time.
    """

    counters: dict[str, int] = msgspec.field(default_factory=dict)
    total: int = 0


class LimitRecord(Record, kw_only=True):
    """The windows of a subject and purpose by their names; the id is `RateLimit.record_id`.

    Unknown windows are kept. A new field of a window is an upgrade: an older program would drop it.
    """

    windows: dict[str, WindowRecord] = msgspec.field(default_factory=dict)
    expires_at: datetime = _EPOCH


LIMITS: Final = RecordKind(
    "limits",
    LimitRecord,
    Index(name="limits_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "counters of a client IP, network, number or number range, hashed; of an account, a"
            " session or a service token",
            "id windows(counters total) expires_at",
            "the period of the limit, 25 hours at most",
            "limits of messages, attempts, calls and acts",
        ),
    ),
)
"""`LimitStore` keeps these, and no `RecordStore`."""
LimitRecords = dict[str, LimitRecord]
"""Existing records by id."""


def record_ids(limits: Iterable[RateLimit]) -> list[str]:
    """Return the ids of the records that these limits need, each once."""
    return list(dict.fromkeys(limit.record_id for limit in limits))


def find_available(
    limits: Iterable[RateLimit], records: Mapping[str, LimitRecord], now: datetime
) -> datetime:
    """Return when each of the limits has a permit: now, or later."""
    available_at = now
    for limit in limits:
        record = records.get(limit.record_id)
        window = record and record.windows.get(limit.name)
        if window and window.total >= limit.window.limit:
            available_at = max(available_at, _window_available_at(limit, window, now))
    return available_at


def count_used(
    limits: Sequence[RateLimit], records: Mapping[str, LimitRecord], now: datetime
) -> Sequence[int]:
    """Return how many permits of each limit count now."""
    return [_count_used(limit, records, now) for limit in limits]


def acquire(limits: Sequence[RateLimit], records: LimitRecords, now: datetime) -> datetime | None:
    """Count a permit of each limit, or return when there is one and change nothing.

    `records` are those that exist, of `record_ids`. They are changed, and new ones are added.
    """
    available_at = find_available(limits, records, now)
    if available_at > now:
        return available_at
    for limit in limits:
        _count(limit, records.setdefault(limit.record_id, _new_record()), now)
    return None


def release(
    limits: Iterable[RateLimit], records: Mapping[str, LimitRecord], acquired_at: datetime
) -> Collection[str]:
    """Take permits out of the records; return the ids of those that changed."""
    changed = set()
    for limit in limits:
        record = records.get(limit.record_id)
        window = record and record.windows.get(limit.name)
        key = counter_key(limit, acquired_at)
        if window and window.counters.get(key, 0) > 0:
            window.counters[key] -= 1
            window.total -= 1
            changed.add(limit.record_id)
    return changed


def counter_key(limit: RateLimit, time: datetime) -> str:
    """Return the key of the counter of a time: the milliseconds from 1970 to its sub-period.

    It has 13 digits from 2001 to 2286, so keys are in the order of their times.
    """
    return _key(time - (time - _EPOCH) % sub_period(limit))


def sub_period(limit: RateLimit) -> timedelta:
    """Return the length of a sub-period, in whole milliseconds."""
    return max(_MILLISECOND, limit.window.period // SUB_PERIODS // _MILLISECOND * _MILLISECOND)


def expires_at(limit: RateLimit, now: datetime) -> datetime:
    """Return when a permit that is acquired now no longer counts, also for a clock behind ours."""
    return now + limit.window.period + 2 * sub_period(limit) + CLOCK_SKEW


def _window_available_at(limit: RateLimit, window: WindowRecord, now: datetime) -> datetime:
    newer = 0
    for key, count in sorted(_counted(limit, window, now).items(), reverse=True):
        newer += count
        if newer >= limit.window.limit:
            begin = _EPOCH + int(key) * _MILLISECOND
            return max(now, begin + sub_period(limit) + limit.window.period)
    return now


def _count_used(limit: RateLimit, records: Mapping[str, LimitRecord], now: datetime) -> int:
    record = records.get(limit.record_id)
    window = record and record.windows.get(limit.name)
    return sum(_counted(limit, window, now).values()) if window else 0


def _counted_between(limit: RateLimit, now: datetime) -> tuple[str, str]:
    """Return the keys of counters between which those are that count now, with the last one."""
    return _key(now - limit.window.period - sub_period(limit)), _key(now + CLOCK_SKEW)


def _kept_since(limit: RateLimit, now: datetime) -> str:
    """Return the key of counters above which one may count: for a clock that is behind, too."""
    return _key(now - limit.window.period - 2 * sub_period(limit) - CLOCK_SKEW)


def _counted(limit: RateLimit, window: WindowRecord, now: datetime) -> Mapping[str, int]:
    since, until = _counted_between(limit, now)
    return {key: count for key, count in window.counters.items() if since < key <= until}


def _count(limit: RateLimit, record: LimitRecord, now: datetime) -> None:
    """Add a permit. A window that is full or long is rid of what no longer counts."""
    window = record.windows.setdefault(limit.name, WindowRecord())
    if window.total >= limit.window.limit or len(window.counters) > MAX_COUNTERS:
        since = _kept_since(limit, now)
        window.counters = {
            key: count for key, count in window.counters.items() if key > since and count > 0
        }
        window.total = sum(window.counters.values())
    key = counter_key(limit, now)
    window.counters[key] = window.counters.get(key, 0) + 1
    window.total += 1
    record.expires_at = max(record.expires_at, expires_at(limit, now))


def _key(time: datetime) -> str:
    return str((time - _EPOCH) // _MILLISECOND)


def _new_record() -> LimitRecord:
    return LimitRecord(schema_version=LIMITS.schema_version)
