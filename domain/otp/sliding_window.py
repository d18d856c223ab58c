"""Counting in rolling windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CLOCK_SKEW: Final = timedelta(minutes=1)
"""So far the clocks of two instances may differ. What is later than that is of a clock that
stepped back since: it counts for nothing, or everybody would wait for the clock to catch up."""


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """At most `limit` events in any stretch of `length`."""

    limit: int
    period: timedelta

    def remaining(self, times: Sequence[datetime], now: datetime) -> int:
        """How many more events have room now."""
        since = now - self.period
        return max(0, self.limit - sum(time > since for time in times))

    def next_available(self, times: Sequence[datetime], now: datetime) -> datetime:
        """When the next event has room: `now`, or the moment at which enough have passed."""
        since = now - self.period
        inside = sorted(time for time in times if time > since)
        if len(inside) < self.limit:
            return now
        return inside[-self.limit] + self.period
