"""What is counted of messages and logins in an hour, or on a day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.delivery import Channel

MAX_GROUPS: Final = 4_000
"""How many groups a period has: all countries and channels of a provider, by their results."""
MAX_UNWRITTEN_PERIODS: Final = 24
"""How many periods a process keeps while the database is away."""
UNKNOWN: Final = "unknown"
"""In the place of a country or provider that an event does not name."""
NONE: Final = "none"
"""In the place of a provider where none was called."""
OTHER: Final = "other"
"""In the place of the country and the provider of a group that is one too many."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """An hour or a day of UTC. Its counts are kept for `retention`."""

    name: str
    length: timedelta
    retention: timedelta

    def start_of(self, moment: datetime) -> datetime:
        """Return the start of the period of a moment, in UTC."""
        return moment.astimezone(UTC) - (moment - _EPOCH) % self.length


HOUR: Final = Period("hour", timedelta(hours=1), timedelta(days=8))
"""Is kept for eight days: the same hour a week ago can be compared."""
DAY: Final = Period("day", timedelta(days=1), timedelta(days=400))
"""Is kept for 400 days: the same month a year ago can be compared."""


class Result(StrEnum):
    """What became of a message or call with a code, or of a request for one."""

    SENT = "sent"
    """A provider took it, or may have taken it."""
    NOT_TAKEN = "not_taken"
    """No provider took it."""
    DELIVERED = "delivered"
    """It arrived, as the provider reports later."""
    UNDELIVERED = "undelivered"
    """It failed, as the provider reports later."""
    LOGINS = "logins"
    """Somebody logged in with its code."""
    REJECTED = "rejected"
    """A limit rejected the request, and no provider was called."""


@dataclass(frozen=True, slots=True)
class CountedGroup:
    """What is counted together. `limit` is what rejected the request; empty if nothing did."""

    country: str
    channel: Channel
    provider: str
    result: Result
    limit: str = ""


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The number of a group."""

    group: CountedGroup
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCounts:
    """What one process counted in one period. A consistency boundary, which only it writes.

    Attributes:
        id: The period and the process: `<yyyy-mm-dd>T<hh>:<instance>.<number>`. The number differs
            where a clock is set back to a period that the process has forgotten.
    """

    id: str
    starts_at: datetime
    expires_at: datetime
    groups: tuple[GroupCount, ...] = ()


@dataclass(slots=True)
class _Sums:
    """The sums of one period. `number` is different each time that the period begins anew."""

    number: int
    groups: Counter[CountedGroup] = field(default_factory=Counter)


class PeriodSums:
    """What this process has counted, in memory: all periods that are not written completely.

    The number of periods is limited, and so is that of the groups of a period: whoever requests
    codes chooses the countries.
    """

    def __init__(self, period: Period, instance: str) -> None:
        """Begin without counts. `instance` is a random id, which no other process has."""
        self._period = period
        self._instance = instance
        self._begun = 0
        self._sums: dict[datetime, _Sums] = {}
        self._written: dict[datetime, PeriodCounts] = {}

    def add(self, now: datetime, group: CountedGroup, count: int = 1) -> None:
        groups = self._find(now).groups
        if group not in groups and len(groups) >= MAX_GROUPS:
            group = replace(group, country=OTHER, provider=OTHER)
        groups[group] += count

    def list_changed(self) -> Sequence[PeriodCounts]:
        current = [self._snapshot(starts_at) for starts_at in self._sums]
        return [counted for counted in current if counted != self._written.get(counted.starts_at)]

    def mark_written(self, written: PeriodCounts) -> None:
        """Record which sums were written. An earlier period is forgotten if nothing has changed."""
        if written.starts_at not in self._sums:
            return  # its period was dropped: there were too many
        self._written[written.starts_at] = written
        # A clock that is corrected reaches the period before at most.
        until = written.starts_at - self._period.length
        for start in [start for start in self._written if start < until]:
            if self._snapshot(start) == self._written.pop(start):
                del self._sums[start]

    def _find(self, now: datetime) -> _Sums:
        starts_at = self._period.start_of(now)
        sums = self._sums.get(starts_at)
        if sums is None:
            self._begun += 1
            sums = self._sums[starts_at] = _Sums(self._begun)
            if len(self._sums) > MAX_UNWRITTEN_PERIODS:
                earliest = min(self._sums)
                del self._sums[earliest]
                self._written.pop(earliest, None)
        return sums

    def _snapshot(self, starts_at: datetime) -> PeriodCounts:
        sums = self._sums[starts_at]
        return PeriodCounts(
            id=f"{starts_at:%Y-%m-%dT%H}:{self._instance}.{sums.number}",
            starts_at=starts_at,
            expires_at=starts_at + self._period.retention,
            groups=tuple(GroupCount(*counted) for counted in sums.groups.items()),
        )
