"""A report of statistics: which hours, and of which messages."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from domain.countries import parse_country
from domain.errors import InvalidValue, TooLong
from domain.statistics.hourly_counts import (
    ONE_HOUR,
    OTHER,
    UNKNOWN,
    DeliveryCounts,
    DeliveryEntry,
    HourlyCounts,
    start_of_hour,
)

K = TypeVar("K")

DEFAULT_HOURS: Final = 24
MAX_HOURS: Final = 168
"""A week. The counts are kept for a day longer."""
MAX_PROVIDER_LENGTH: Final = 200
_INTERNATIONAL: Final = "001"
"""The country code of networks without a country, such as those of satellites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """What a report is about.

    Attributes:
        first_hour: The start of the first hour.
        last_hour: The start of the last one, which is not over.
        country: Only messages to this country; None for all. Rejections and security events are
            not counted by country.
        provider: Only messages of this provider; None for all.
    """

    first_hour: datetime
    last_hour: datetime
    country: str | None = None
    provider: str | None = None

    @property
    def hours(self) -> Sequence[datetime]:
        """The start of each hour."""
        count = (self.last_hour - self.first_hour) // ONE_HOUR + 1
        return [self.first_hour + number * ONE_HOUR for number in range(count)]

    def includes(self, entry: DeliveryEntry) -> bool:
        """Return whether the messages of an entry are those of the report."""
        return self.country in (None, entry.country) and self.provider in (None, entry.provider)


@dataclass(frozen=True, slots=True)
class CountRow:
    """The messages of one country, provider or channel."""

    name: str
    counts: DeliveryCounts


@dataclass(frozen=True, slots=True)
class HourRow:
    """What was counted in one hour: rejections by limit, and security events by type."""

    starts_at: datetime
    counts: DeliveryCounts
    rejections: Mapping[str, int]
    events: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What was counted in some hours. Rows by name have the highest numbers first.

    Attributes:
        query: What the report is about.
        total: All messages.
        by_hour: Each hour, the earliest first, also if nothing was counted.
        by_country: The messages by country.
        by_provider: The messages by provider.
        by_channel: The messages by channel.
        rejections: Requests for a code, and calls, that a limit rejected, by limit.
        events: The security events by type.
    """

    query: StatisticsQuery
    total: DeliveryCounts
    by_hour: Sequence[HourRow]
    by_country: Sequence[CountRow]
    by_provider: Sequence[CountRow]
    by_channel: Sequence[CountRow]
    rejections: Mapping[str, int]
    events: Mapping[str, int]


class StatisticsSums:
    """The sums of a report, while its records are read."""

    def __init__(self, query: StatisticsQuery) -> None:
        """Begin with the hours of a report, and without counts."""
        self._query = query
        self._hours = {hour: DeliveryCounts() for hour in query.hours}
        self._rejections = {hour: Counter[str]() for hour in query.hours}
        self._events = {hour: Counter[str]() for hour in query.hours}
        self._countries: dict[str, DeliveryCounts] = {}
        self._providers: dict[str, DeliveryCounts] = {}
        self._channels: dict[str, DeliveryCounts] = {}

    def add(self, hourly: HourlyCounts) -> None:
        """Add what a process counted in an hour of the report."""
        hour = hourly.starts_at
        for entry in filter(self._query.includes, hourly.deliveries):
            _add(self._hours, hour, entry.counts)
            _add(self._countries, entry.country, entry.counts)
            _add(self._providers, entry.provider, entry.counts)
            _add(self._channels, entry.channel.value, entry.counts)
        for rejected in hourly.rejections:
            self._rejections[hour][rejected.name] += rejected.count
        for counted in hourly.events:
            self._events[hour][counted.name] += counted.count

    def report(self) -> Statistics:
        """Return the report of what was added."""
        return Statistics(
            query=self._query,
            total=_sum(self._hours.values()),
            by_hour=[
                HourRow(hour, counts, _sort(self._rejections[hour]), _sort(self._events[hour]))
                for hour, counts in self._hours.items()
            ],
            by_country=_rows(self._countries),
            by_provider=_rows(self._providers),
            by_channel=_rows(self._channels),
            rejections=_sort(sum(self._rejections.values(), Counter())),
            events=_sort(sum(self._events.values(), Counter())),
        )


def make_query(
    now: datetime,
    hours: int = DEFAULT_HOURS,
    country: str | None = None,
    provider: str | None = None,
) -> StatisticsQuery:
    """Return the query of the last hours. The hour that is not over is one of them.

    Raises:
        InvalidValue: There are too many hours, or none.
    """
    if not 1 <= hours <= MAX_HOURS:
        raise InvalidValue(f"Statistics are of 1 to {MAX_HOURS} hours.")
    last_hour = start_of_hour(now)
    first_hour = last_hour - (hours - 1) * ONE_HOUR
    return StatisticsQuery(
        first_hour=first_hour, last_hour=last_hour, country=country, provider=provider
    )


def parse_counted_country(text: str) -> str:
    """Parse a country as it is counted: its ISO code, `001`, `other` or `unknown`.

    Raises:
        InvalidValue
    """
    return text if text in {_INTERNATIONAL, OTHER, UNKNOWN} else parse_country(text)


def parse_counted_provider(text: str) -> str:
    """Parse the name of a provider. It may be one that the service had before.

    Raises:
        InvalidValue, TooLong
    """
    if not text or not text.isprintable():
        raise InvalidValue("The name of a provider is one line of text, like twilio.")
    if len(text) > MAX_PROVIDER_LENGTH:
        raise TooLong(f"The name of a provider has at most {MAX_PROVIDER_LENGTH} characters.")
    return text


def _add(sums: dict[K, DeliveryCounts], key: K, counts: DeliveryCounts) -> None:
    sums[key] = sums.get(key, DeliveryCounts()) + counts


def _sum(counts: Iterable[DeliveryCounts]) -> DeliveryCounts:
    return sum(counts, DeliveryCounts())


def _rows(sums: Mapping[str, DeliveryCounts]) -> Sequence[CountRow]:
    rows = [CountRow(name, counts) for name, counts in sums.items()]
    return sorted(rows, key=lambda row: (-row.counts.sent, -row.counts.logins, row.name))


def _sort(counter: Counter[str]) -> Mapping[str, int]:
    return dict(sorted(counter.items(), key=lambda counted: (-counted[1], counted[0])))
