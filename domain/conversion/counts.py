"""What is counted: codes that were sent and entered, for two hours by minute, then by hour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
MINUTES_RETENTION: Final = timedelta(hours=2)
"""How long it is known from which network and to which range a message went."""
HOURS_RETENTION: Final = timedelta(days=16)
"""How long the sums of an hour are kept: the usual share is that of 15 days."""
MAX_CELLS: Final = 5_000
"""How many cells a minute of a process has: some 500 KB. All others are one network and range."""
MAX_UNWRITTEN: Final = 120
"""How many minutes, and as many hours, a process keeps while the database is away."""
MAX_SOURCES: Final = 2_000
"""How many sources an hour has: clients choose the countries."""
OTHER: Final = "other"
"""In the place of what is one too many."""


class ConversionGroup(StrEnum):
    """Who requested a code.

    - `RECOGNIZED`: a device or an IP that logged in to this phone before.
    - `PROVEN`: a client that gave a proof (`DIALTONE_ATTESTATION`).
    - `STRANGER`: everybody else.
    """

    RECOGNIZED = "recognized"
    PROVEN = "proven"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class ConversionCounts:
    """How many codes were sent, and how many of them were entered."""

    sent: int = 0
    entered: int = 0

    def __add__(self, other: "ConversionCounts") -> "ConversionCounts":
        """Return both together."""
        return ConversionCounts(self.sent + other.sent, self.entered + other.entered)

    def __sub__(self, other: "ConversionCounts") -> "ConversionCounts":
        """Return these without the others."""
        return ConversionCounts(self.sent - other.sent, self.entered - other.entered)

    @property
    def share(self) -> float | None:
        """Which part was entered, from 0 to 1; None if nothing was sent."""
        return min(1.0, self.entered / self.sent) if self.sent > 0 else None


@dataclass(frozen=True, slots=True)
class ConversionSource:
    """What codes have in common that are summed for a long time.

    Attributes:
        country: The country of the phone.
        channel: A `Channel`. It is a text, as one of a newer program may be unknown here.
        provider: The name of the provider that took the code.
        group: A `ConversionGroup`.
        sample: The feature in whose random sample the codes are; empty if they are in none.
    """

    country: str
    channel: str
    provider: str
    group: str
    sample: str = ""


@dataclass(frozen=True, slots=True)
class ConversionCell:
    """A source, with the network of the client and the number range of the phone as hashes."""

    country: str
    channel: str
    provider: str
    group: str
    number_range: str
    network: str
    sample: str = ""

    @property
    def source(self) -> ConversionSource:
        """What is summed for a long time."""
        return ConversionSource(self.country, self.channel, self.provider, self.group, self.sample)


@dataclass(frozen=True, slots=True)
class CellCounts:
    """The counts of a network and a range."""

    network: str
    number_range: str
    sent: int
    entered: int


@dataclass(frozen=True, slots=True)
class SourceCells:
    """The cells of one source, of codes that were sent in the minute that began at `sent_at`."""

    sent_at: datetime
    source: ConversionSource
    cells: tuple[CellCounts, ...]

    @property
    def counts(self) -> ConversionCounts:
        """The sum of all cells."""
        sent = sum([cell.sent for cell in self.cells])
        return ConversionCounts(sent, sum([cell.entered for cell in self.cells]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteConversion:
    """What one process counted in one minute. A consistency boundary, which only it writes.

    A code that is entered is counted in the minute in which that happens, and names the minute in
    which it was sent. So a minute that is over never changes.

    Attributes:
        id: The minute and the process: `<yyyy-mm-dd>T<hh>:<mm>:<instance>.<number>`. The number
            differs where a clock is set back to a minute that the process has forgotten.
        starts_at: The start of the minute.
        changed_at: When it was written.
        sources: The counts.
    """

    id: str
    starts_at: datetime
    changed_at: datetime
    sources: tuple[SourceCells, ...]

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.starts_at + MINUTES_RETENTION


@dataclass(frozen=True, slots=True)
class SourceSum:
    """The counts of one source."""

    source: ConversionSource
    sent: int
    entered: int

    @property
    def counts(self) -> ConversionCounts:
        """The counts."""
        return ConversionCounts(self.sent, self.entered)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourConversion:
    """What one process counted in one hour. A consistency boundary, which only it writes.

    Attributes:
        id: The hour and the process, as that of a minute.
        starts_at: The start of the hour.
        changed_at: When it was written.
        sources: The counts.
    """

    id: str
    starts_at: datetime
    changed_at: datetime
    sources: tuple[SourceSum, ...]

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.starts_at + HOURS_RETENTION


K = TypeVar("K")
_CellKey = tuple[datetime, ConversionSource, str, str]


@dataclass(frozen=True, slots=True)
class ChangedPeriod(Generic[K]):
    """A minute or an hour as it is now.

    Attributes:
        id: The id of its record.
        starts_at: Its start.
        changes: How often something was counted in it.
        counts: How many codes were sent and entered.
    """

    id: str
    starts_at: datetime
    changes: int
    counts: dict[K, list[int]]


@dataclass(slots=True)
class _Period(Generic[K]):
    """The counts of one minute or hour. `written` is how many changes the last write had."""

    id: str
    counts: dict[K, list[int]] = field(default_factory=dict)
    changes: int = 0
    written: int = 0


class _Periods(Generic[K]):
    """The minutes or the hours of a process that are not written completely, or not yet over."""

    def __init__(self, length: timedelta, instance: str) -> None:
        self._length = length
        self._instance = instance
        self._begun = 0
        self._periods: dict[datetime, _Period[K]] = {}

    def add(self, now: datetime, key: K, other: K, max_keys: int, *, is_entered: bool) -> None:
        """Count under a key; under another one if there are too many."""
        period = self._find(start_of(now, self._length))
        counts = period.counts.get(key)
        if counts is None:
            key = other if len(period.counts) >= max_keys else key
            counts = period.counts.setdefault(key, [0, 0])
        counts[is_entered] += 1
        period.changes += 1

    def list_changed(self) -> Sequence[ChangedPeriod[K]]:
        """Return the periods that have changed since they were written."""
        return [
            ChangedPeriod(period.id, starts_at, period.changes, period.counts)
            for starts_at, period in self._periods.items()
            if period.changes > period.written
        ]

    def mark_written(self, changed: ChangedPeriod[K]) -> None:
        """Record which changes were written."""
        period = self._periods.get(changed.starts_at)
        if period is not None and period.id == changed.id:
            period.written = changed.changes

    def _find(self, starts_at: datetime) -> _Period[K]:
        period = self._periods.get(starts_at)
        if period is None:
            # A clock that is corrected reaches the period before at most.
            for start, each in [*self._periods.items()]:
                if start < starts_at - self._length and each.changes == each.written:
                    del self._periods[start]
            self._begun += 1
            record_id = f"{starts_at:%Y-%m-%dT%H:%M}:{self._instance}.{self._begun}"
            period = self._periods[starts_at] = _Period(record_id)
            if len(self._periods) > MAX_UNWRITTEN:
                del self._periods[min(self._periods)]
        return period


class ConversionSums:
    """What this process has counted, in memory."""

    def __init__(self, instance: str) -> None:
        """Begin without counts.

        Args:
            instance: A random id of the process: no other process writes its records.
        """
        self.minutes: Final[_Periods[_CellKey]] = _Periods(MINUTE, instance)
        self.hours: Final[_Periods[ConversionSource]] = _Periods(HOUR, instance)

    def add(
        self, now: datetime, cell: ConversionCell, sent_at: datetime, *, is_entered: bool
    ) -> None:
        """Count a code that is sent or entered now.

        Args:
            now: The time.
            cell: Where it is counted.
            sent_at: When it was sent.
            is_entered: Whether it is entered.
        """
        source, minute = cell.source, start_of(sent_at, MINUTE)
        key = (minute, source, cell.network, cell.number_range)
        other = (minute, source, OTHER, OTHER)
        self.minutes.add(now, key, other, MAX_CELLS, is_entered=is_entered)
        other_source = ConversionSource(OTHER, cell.channel, OTHER, cell.group)
        self.hours.add(now, source, other_source, MAX_SOURCES, is_entered=is_entered)


def make_minute(changed: ChangedPeriod[_CellKey], now: datetime) -> MinuteConversion:
    """Return the record of a minute that is written now."""
    sources: dict[tuple[datetime, ConversionSource], list[CellCounts]] = {}
    for (sent_at, source, network, number_range), (sent, entered) in changed.counts.items():
        counts = CellCounts(network, number_range, sent, entered)
        sources.setdefault((sent_at, source), []).append(counts)
    return MinuteConversion(
        id=changed.id,
        starts_at=changed.starts_at,
        changed_at=now,
        sources=tuple([SourceCells(*key, tuple(cells)) for key, cells in sources.items()]),
    )


def make_hour(changed: ChangedPeriod[ConversionSource], now: datetime) -> HourConversion:
    """Return the record of an hour that is written now."""
    sums = [SourceSum(source, *counts) for source, counts in changed.counts.items()]
    return HourConversion(
        id=changed.id, starts_at=changed.starts_at, changed_at=now, sources=tuple(sums)
    )


def start_of(moment: datetime, length: timedelta) -> datetime:
    """Return the start of the minute or hour of a moment, in UTC."""
    utc = moment.astimezone(UTC)
    minute = 0 if length == HOUR else utc.minute
    return utc.replace(minute=minute, second=0, microsecond=0)
