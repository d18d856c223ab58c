"""What all processes counted: two hours by cell, and 15 days by source."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from domain.conversion.counts import (
    HOUR,
    MINUTE,
    MINUTES_RETENTION,
    CellCounts,
    ConversionCell,
    ConversionCounts,
    ConversionSource,
    HourConversion,
    MinuteConversion,
    start_of,
)

USUAL_PERIOD: Final = timedelta(days=15)
TIME_TO_ENTER: Final = MINUTE
"""How long a person has to enter a code before it counts as sent."""
_CODE_LIFETIME: Final = timedelta(minutes=10)
"""After this a code cannot be entered anymore; twice that of a code, as clocks differ."""
MIN_USUAL: Final = 100
"""Of fewer codes there is no usual share."""

_CHANGES_FOR: Final = timedelta(hours=2)
"""After this a process writes an hour no more, unless the database was away for as long."""

SourceFilter = Callable[[ConversionSource], bool]
ALL_COUNTRIES: Final = ""
_Kind = tuple[str, str, str]
"""A channel, a provider and a group."""


class _Sums:
    """Sums by country, and of all countries together; by channel, provider and group."""

    def __init__(self) -> None:
        self._by_country: defaultdict[str, defaultdict[_Kind, list[int]]]
        self._by_country = defaultdict(lambda: defaultdict(lambda: [0, 0]))

    def add(self, source: ConversionSource, sent: int, entered: int) -> None:
        kind = (source.channel, source.provider, source.group)
        for country in (source.country, ALL_COUNTRIES):
            counts = self._by_country[country][kind]
            counts[0] += sent
            counts[1] += entered

    def subtract(self, other: "_Sums") -> None:
        for country, kinds in other._by_country.items():
            for kind, (sent, entered) in kinds.items():
                counts = self._by_country[country][kind]
                counts[0] -= sent
                counts[1] -= entered

    def total(self, country: str, wanted: _Kind) -> ConversionCounts:
        """Return the sum of a country; what is empty in `wanted` may be any."""
        total = ConversionCounts()
        for kind, counts in self._by_country.get(country, {}).items():
            if all(name in ("", found) for name, found in zip(wanted, kind, strict=True)):
                total += ConversionCounts(*counts)
        return total


class RecentCounts:
    """The counts of all processes, in memory, as far as they were read.

    Hours that no process changes anymore are kept as one sum for all processes.
    """

    def __init__(self) -> None:
        self._minutes: dict[str, MinuteConversion] = {}
        self._changing_hours: dict[str, HourConversion] = {}
        self._hours: defaultdict[datetime, _Sums] = defaultdict(_Sums)
        self._sums = _Sums()
        self._sums_since: dict[datetime, _Sums] = {}

    def add_minutes(self, records: Iterable[MinuteConversion]) -> None:
        """Add minutes, in place of what was read of them before."""
        self._minutes.update((record.id, record) for record in records)
        self._sums_since.clear()

    def add_hours(self, records: Iterable[HourConversion]) -> None:
        """Add hours, in place of what was read of them before."""
        for record in records:
            former = self._changing_hours.get(record.id)
            for sums in (self._hours[record.starts_at], self._sums):
                for each in former.sources if former else ():
                    sums.add(each.source, -each.sent, -each.entered)
                for each in record.sources:
                    sums.add(each.source, each.sent, each.entered)
            self._changing_hours[record.id] = record

    def forget(self, now: datetime) -> None:
        """Forget what is over."""
        for minute in [*self._minutes.values()]:
            if minute.starts_at < now - MINUTES_RETENTION:
                del self._minutes[minute.id]
        for hour in [*self._changing_hours.values()]:
            if hour.changed_at < now - _CHANGES_FOR:
                del self._changing_hours[hour.id]
        for starts_at in [*self._hours]:
            if starts_at < start_of(now, HOUR) - USUAL_PERIOD:
                self._sums.subtract(self._hours.pop(starts_at))

    def cells(
        self, now: datetime, period: timedelta, is_wanted: SourceFilter | None = None
    ) -> Mapping[ConversionCell, ConversionCounts]:
        """Return what was sent within a period, and how much of it has been entered.

        What was sent within the last one or two minutes is left out: it is still being entered.

        Args:
            now: The time.
            period: The period until now, whole minutes.
            is_wanted: Returns whether a source is wanted; None if all are.
        """
        sums: defaultdict[ConversionCell, list[int]] = defaultdict(lambda: [0, 0])
        for source, cells in self.find(now, period, is_wanted):
            for cell in cells:
                key = ConversionCell(
                    source.country,
                    source.channel,
                    source.provider,
                    source.group,
                    cell.number_range,
                    cell.network,
                    source.sample,
                )
                counts = sums[key]
                counts[0] += cell.sent
                counts[1] += cell.entered
        return {cell: ConversionCounts(*counts) for cell, counts in sums.items()}

    def find(
        self, now: datetime, period: timedelta, is_wanted: SourceFilter | None = None
    ) -> Iterable[tuple[ConversionSource, tuple[CellCounts, ...]]]:
        """Yield the same counts by source. A source and a cell come several times."""
        first = start_of(now - period, MINUTE)
        last = start_of(now - TIME_TO_ENTER, MINUTE)
        for minute in self._minutes.values():
            if minute.starts_at < first - _CODE_LIFETIME:
                continue
            for each in minute.sources:
                is_in_period = first <= each.sent_at < last
                if is_in_period and (is_wanted is None or is_wanted(each.source)):
                    yield each.source, each.cells

    def usual_share(
        self,
        country: str,
        group: str,
        now: datetime,
        provider: str = "",
        channel: str = "",
        without: timedelta = timedelta(minutes=11),
    ) -> float | None:
        """Return which part of the codes was entered in 15 days.

        Args:
            country: The country; empty for all together.
            group: A `ConversionGroup`; empty for all together.
            now: The time.
            provider: The provider; empty for all together.
            channel: The channel; empty for all together.
            without: The latest period, which is left out; at most two hours.

        Returns:
            The part from 0 to 1, or None if fewer than `MIN_USUAL` codes were sent.
        """
        wanted = (channel, provider, group)
        latest = self._counted_since(start_of(now - without, MINUTE))
        usual = self._sums.total(country, wanted) - latest.total(country, wanted)
        return usual.share if usual.sent >= MIN_USUAL else None

    def _counted_since(self, first: datetime) -> _Sums:
        """Return what the hours have of the minutes from one on."""
        if first not in self._sums_since:
            sums = self._sums_since[first] = _Sums()
            for minute in self._minutes.values():
                for each in minute.sources if minute.starts_at >= first else ():
                    counts = each.counts
                    sums.add(each.source, counts.sent, counts.entered)
        return self._sums_since[first]
