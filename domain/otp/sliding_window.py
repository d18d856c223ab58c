"""Sliding windows: at most n events in any period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

CLOCK_SKEW: Final = timedelta(minutes=1)
"""Maximum difference between the clocks of two instances.

A time that lies further in the future comes from a clock that was set back since. It is ignored,
because otherwise all users would wait until the clock reaches it.
"""


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """At most `limit` events in any `period`."""

    limit: int
    period: timedelta

    def scale_percent(self, percent: int) -> "SlidingWindow":
        """Return the window with at most this percentage of the limit, but at least one event."""
        return SlidingWindow(max(1, self.limit * percent // 100), self.period)

    def remaining(self, times: Sequence[datetime], now: datetime) -> int:
        since = now - self.period
        return max(0, self.limit - len([time for time in times if time > since]))

    def next_available(self, times: Sequence[datetime], now: datetime) -> datetime:
        """Return when the next event is allowed: `now`, or the time when enough events expired."""
        since = now - self.period
        counted = sorted(time for time in times if time > since)
        if len(counted) < self.limit:
            return now
        return counted[-self.limit] + self.period


def keep_recent(
    times: Sequence[datetime], period: timedelta, now: datetime
) -> tuple[datetime, ...]:
    """Return the times within a period, without those in the future of any clock."""
    return tuple([time for time in times if now - period < time <= now + CLOCK_SKEW])


def whole_seconds(now: datetime, until: datetime) -> int:
    """Return the seconds from now until then, rounded up, at least one (RFC 9110 §10.2.3)."""
    return max(1, ceil((until - now) / timedelta(seconds=1)))
