"""A report of statistics: which hours or days, and summed by what."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import permutations
from typing import Final, TypeAlias

from domain.errors import InvalidValue, UnsupportedValue
from domain.features.statistics.period_sums import (
    DAY,
    HOUR,
    CountedGroup,
    Period,
    PeriodCounts,
    Result,
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

    def value_of(self, group: CountedGroup) -> str:
        return str(getattr(group, self))


DIMENSIONS: Final = [
    ",".join(names) for count in (1, 2) for names in permutations(Dimension, count)
]
"""All that a report can be summed by: one dimension, or two of them in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """What a report is about.

    Attributes:
        first: The start of the first one.
        last: The start of the last one, which may not be over.
    """

    period: Period
    first: datetime
    last: datetime
    by: Sequence[Dimension]

    @property
    def starts(self) -> Sequence[datetime]:
        count = (self.last - self.first) // self.period.length + 1
        return [self.first + number * self.period.length for number in range(count)]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The counts of one country, channel or provider, or of two of them together."""

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

    def add(self, counted: PeriodCounts) -> None:
        for each in counted.groups:
            group = each.group
            names = tuple(dimension.value_of(group) for dimension in self._query.by)
            self._groups[names][group.result] += each.count
            self._periods[counted.starts_at][group.result] += each.count
            if group.limit:
                self._rejections[counted.starts_at][group.limit] += each.count

    def report(self) -> Statistics:
        return Statistics(
            query=self._query,
            total=sum(self._periods.values(), Counts()),
            rows=_sort_rows(self._groups),
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
            " country,provider."
        )
    return [Dimension(name) for name in text.split(",")]


def query_hours(now: datetime, hours: int, by: Sequence[Dimension]) -> StatisticsQuery:
    """Return the query of the last hours. The hour that is not over is one of them.

    Raises:
        InvalidValue: They are too many, or none.
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
