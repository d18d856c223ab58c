"""Counts of periods, and reports of them."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import permutations
from typing import Final, Generic, TypeAlias, TypeVar

from domain.errors import InvalidValue, UnsupportedValue
from domain.otp.delivery import Channel

MAX_GROUPS: Final = 4_000
"""How many groups a period has: all countries and channels of a provider, by their results."""
MAX_PREFIXES: Final = 500
"""Maximum prefixes of numbers in an hour: clients that request codes choose the numbers."""
MIN_SHOWN_MESSAGES: Final = 20
"""How many messages a prefix needs to have a row of its own in a report."""
MAX_UNWRITTEN_PERIODS: Final = 24
"""How many periods a process keeps while the database is away."""
UNKNOWN: Final = "unknown"
"""Stands for a country or provider that an event does not name."""
NONE: Final = "none"
"""Stands for a provider where none was called."""
OTHER: Final = "other"
"""Stands for country and provider, or for the prefix, of a group above the maximum.

In a report by prefix also for a prefix with few messages.
"""
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
    """Somebody logged in with its code, or a backend verified the phone by it."""
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
class CountedPrefix:
    """What is counted together by how the numbers begin, such as `+4479`."""

    prefix: str
    result: Result


Group = TypeVar("Group", CountedGroup, CountedPrefix)


@dataclass(frozen=True, slots=True)
class GroupCount(Generic[Group]):
    """The number of a group."""

    group: Group
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCounts(Generic[Group]):
    """What one process counted in one period. A consistency boundary, which only it writes.

    Attributes:
        id: The period and the process: `<yyyy-mm-dd>T<hh>:<instance>.<number>`. The number differs
            where a clock is set back to a period that the process has forgotten.
    """

    id: str
    starts_at: datetime
    expires_at: datetime
    groups: tuple[GroupCount[Group], ...] = ()


@dataclass(slots=True)
class _Sums(Generic[Group]):
    """The sums of one period. `number` is different each time that the period begins anew."""

    number: int
    groups: Counter[Group] = field(default_factory=Counter)


def limit_groups(group: CountedGroup, counted: Collection[CountedGroup]) -> CountedGroup:
    """Return the group, or the one in its place where a period has too many."""
    if len(counted) < MAX_GROUPS:
        return group
    return replace(group, country=OTHER, provider=OTHER)


def limit_prefixes(group: CountedPrefix, counted: Collection[CountedPrefix]) -> CountedPrefix:
    """Return the group, or the one in its place where an hour has too many prefixes."""
    prefixes = {each.prefix for each in counted} - {OTHER}
    if group.prefix in prefixes or len(prefixes) < MAX_PREFIXES:
        return group
    return replace(group, prefix=OTHER)


class PeriodSums(Generic[Group]):
    """What this process has counted, in memory: all periods that are not written completely.

    The numbers of periods and of groups of a period are limited: clients that request codes choose
    the countries and the numbers.
    """

    def __init__(
        self,
        period: Period,
        instance: str,
        limit: Callable[[Group, Collection[Group]], Group],
    ) -> None:
        """Begin without counts.

        Args:
            period: What is counted together.
            instance: A random id, which no other process has.
            limit: Returns as what a new group is counted, beside those that the period has.
        """
        self._period = period
        self._instance = instance
        self._limit: Callable[[Group, Collection[Group]], Group] = limit
        self._begun = 0
        self._sums: dict[datetime, _Sums[Group]] = {}
        self._written: dict[datetime, PeriodCounts[Group]] = {}

    def add(self, now: datetime, group: Group, count: int = 1) -> None:
        groups = self._find(now).groups
        if group not in groups:
            group = self._limit(group, groups)
        groups[group] += count

    def list_changed(self) -> Sequence[PeriodCounts[Group]]:
        current = [self._snapshot(starts_at) for starts_at in self._sums]
        return [counted for counted in current if counted != self._written.get(counted.starts_at)]

    def mark_written(self, written: PeriodCounts[Group]) -> None:
        """Record which sums were written. An earlier period is forgotten if nothing has changed."""
        if written.starts_at not in self._sums:
            return  # its period was dropped: there were too many
        self._written[written.starts_at] = written
        # A clock that is corrected reaches the period before at most.
        until = written.starts_at - self._period.length
        for start in [start for start in self._written if start < until]:
            if self._snapshot(start) == self._written.pop(start):
                del self._sums[start]

    def _find(self, now: datetime) -> _Sums[Group]:
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

    def _snapshot(self, starts_at: datetime) -> PeriodCounts[Group]:
        sums = self._sums[starts_at]
        return PeriodCounts(
            id=f"{starts_at:%Y-%m-%dT%H}:{self._instance}.{sums.number}",
            starts_at=starts_at,
            expires_at=starts_at + self._period.retention,
            groups=tuple(GroupCount(*counted) for counted in sums.groups.items()),
        )


DEFAULT_HOURS: Final = 24
MAX_HOURS: Final = 168
"""A week. The counts are kept for a day longer."""
MAX_DAYS: Final = DAY.retention // DAY.length
DAY_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DAY: Final = re.compile(DAY_PATTERN)
Counts: TypeAlias = Counter[Result]


class Dimension(StrEnum):
    """What the messages are summed by."""

    COUNTRY = "country"
    CHANNEL = "channel"
    PROVIDER = "provider"
    PREFIX = "prefix"
    """How the numbers begin. It is counted apart from the others, by hour only."""

    def value_of(self, group: CountedGroup) -> str:
        return str(getattr(group, self))


_COMBINED: Final = (Dimension.COUNTRY, Dimension.CHANNEL, Dimension.PROVIDER)
DIMENSIONS: Final = [
    *(",".join(names) for count in (1, 2) for names in permutations(_COMBINED, count)),
    Dimension.PREFIX.value,
]
"""All that a report can be summed by: one dimension, or two of them in this order."""
RESULTS_BY_PREFIX: Final = (Result.SENT, Result.NOT_TAKEN, Result.LOGINS)
"""The results that are counted by prefix.

Reports of providers do not name the number. A rejected request costs its sender nothing: it could
use up the prefixes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """What a report is about.

    Attributes:
        first: Start of the first period.
        last: Start of the last period, which may not be over.
    """

    period: Period
    first: datetime
    last: datetime
    by: Sequence[Dimension]

    @property
    def starts(self) -> Sequence[datetime]:
        count = (self.last - self.first) // self.period.length + 1
        return [self.first + number * self.period.length for number in range(count)]

    @property
    def is_by_prefix(self) -> bool:
        return Dimension.PREFIX in self.by

    @property
    def results(self) -> Sequence[Result]:
        """What the rows have."""
        return RESULTS_BY_PREFIX if self.is_by_prefix else tuple(Result)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The counts of one country, channel, provider or prefix, or of two of them together."""

    names: tuple[str, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """What was counted in one hour, or on one day."""

    starts_at: datetime
    counts: Counts
    rejections: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What was counted in some hours, or on some days.

    Attributes:
        rows: The messages by the dimensions of the query, the highest numbers first. Those with
            one first name stand together.
        by_period: Each hour or day, the earliest first, also if nothing was counted.
        rejections: Requests for a code, and calls, that a limit rejected, by limit.
    """

    query: StatisticsQuery
    total: Counts
    rows: Sequence[GroupRow]
    by_period: Sequence[PeriodRow]
    rejections: Mapping[str, int]


class StatisticsSums:
    """The sums of a report, while its records are read."""

    def __init__(self, query: StatisticsQuery) -> None:
        self._query = query
        self._periods = {start: Counts() for start in query.starts}
        self._rejections = {start: Counter[str]() for start in query.starts}
        self._groups: defaultdict[tuple[str, ...], Counts] = defaultdict(Counter)

    def add(self, counted: PeriodCounts[CountedGroup]) -> None:
        for each in counted.groups:
            group = each.group
            if not self._query.is_by_prefix:
                names = tuple(dimension.value_of(group) for dimension in self._query.by)
                self._groups[names][group.result] += each.count
            self._periods[counted.starts_at][group.result] += each.count
            if group.limit:
                self._rejections[counted.starts_at][group.limit] += each.count

    def add_prefixes(self, counted: PeriodCounts[CountedPrefix]) -> None:
        for counts in counted.groups:
            self._groups[(counts.group.prefix,)][counts.group.result] += counts.count

    def report(self) -> Statistics:
        return Statistics(
            query=self._query,
            total=sum(self._periods.values(), Counts()),
            rows=_sort_rows(
                _merge_small(self._groups) if self._query.is_by_prefix else self._groups
            ),
            by_period=[
                PeriodRow(start, counts, _sort(self._rejections[start]))
                for start, counts in self._periods.items()
            ],
            rejections=_sort(sum(self._rejections.values(), Counter())),
        )


def parse_day(text: str) -> date:
    """Parse a day.

    Raises:
        InvalidValue
    """
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as February 30
    raise InvalidValue("Write a day as year, month and day, like 2026-07-01.")


def parse_dimensions(text: str) -> Sequence[Dimension]:
    """Parse what the messages are summed by: one dimension, or two with a comma between them.

    Raises:
        UnsupportedValue
    """
    if text not in DIMENSIONS:
        raise UnsupportedValue(
            "Statistics are summed by country, channel or provider, or by two of these, such as"
            " country,provider, or by prefix alone."
        )
    return [Dimension(name) for name in text.split(",")]


def query_hours(now: datetime, hours: int, by: Sequence[Dimension]) -> StatisticsQuery:
    """Return the query of the last hours. The hour that is not over is one of them.

    Raises:
        InvalidValue: Too many hours, or none.
    """
    if not 1 <= hours <= MAX_HOURS:
        raise InvalidValue(f"Statistics by hour are of 1 to {MAX_HOURS} hours.")
    last = HOUR.start_of(now)
    first = last - (hours - 1) * HOUR.length
    return StatisticsQuery(period=HOUR, first=first, last=last, by=by)


def query_days(
    now: datetime, first_day: date | None, last_day: date | None, by: Sequence[Dimension]
) -> StatisticsQuery:
    """Return the query of some days.

    By default the last one is today, and the first one begins the month of the last one.

    Raises:
        InvalidValue: They end before they begin, or are too many.
    """
    last_day = last_day or now.astimezone(UTC).date()
    first_day = first_day or last_day.replace(day=1)
    if first_day > last_day:
        raise InvalidValue("The first day is later than the last one.")
    if last_day - first_day >= timedelta(days=MAX_DAYS):
        raise InvalidValue(f"Statistics by day are of 1 to {MAX_DAYS} days.")
    first, last = (datetime.combine(day, time(), UTC) for day in (first_day, last_day))
    return StatisticsQuery(period=DAY, first=first, last=last, by=by)


def _merge_small(groups: Mapping[tuple[str, ...], Counts]) -> Mapping[tuple[str, ...], Counts]:
    """Count prefixes with few messages as `other`."""
    merged: defaultdict[tuple[str, ...], Counts] = defaultdict(Counter)
    for names, counts in groups.items():
        is_shown = counts[Result.SENT] >= MIN_SHOWN_MESSAGES
        merged[names if is_shown else (OTHER,)].update(counts)
    return merged


def _sort_rows(groups: Mapping[tuple[str, ...], Counts]) -> Sequence[GroupRow]:
    of_first: defaultdict[str, Counts] = defaultdict(Counter)
    for names, counts in groups.items():
        of_first[names[0]].update(counts)
    rows = [GroupRow(names, counts) for names, counts in groups.items()]
    return sorted(
        rows,
        key=lambda row: (
            _rank(of_first[row.names[0]]),
            row.names[0],
            _rank(row.counts),
            row.names,
        ),
    )


def _rank(counts: Counts) -> Sequence[int]:
    return [-counts[result] for result in (Result.SENT, Result.LOGINS, Result.REJECTED)]


def _sort(counter: Counter[str]) -> Mapping[str, int]:
    return dict(sorted(counter.items(), key=lambda counted: (-counted[1], counted[0])))
