"""What messages and calls cost: sums by UTC day, country, channel and provider."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from domain.otp.delivery import Channel

COSTS_RETENTION: Final = timedelta(days=800)
"""How long the costs of a day are kept: two years can be compared, with time to look at them."""
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Costs:
    """A sum. Messages have parts, and calls have minutes that began."""

    messages: int = 0
    parts: int = 0
    minutes: int = 0
    millionths: int = 0

    def __add__(self, other: "Costs") -> "Costs":
        """Return both together."""
        return Costs(
            self.messages + other.messages,
            self.parts + other.parts,
            self.minutes + other.minutes,
            self.millionths + other.millionths,
        )


@dataclass(frozen=True, slots=True)
class CostEntry:
    """The costs of one country, channel and provider."""

    country: str
    channel: Channel
    provider: str
    costs: Costs


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCosts:
    """What one process counted on one day. A consistency boundary, which only it writes.

    Attributes:
        id: The day and the process: `<yyyy-mm-dd>:<instance>`.
        starts_at: The start of the day, in UTC.
        currency: The currency of the price list that was used.
        entries: The sums.
    """

    id: str
    starts_at: datetime
    currency: str
    entries: tuple[CostEntry, ...]

    @property
    def day(self) -> date:
        """The day."""
        return self.starts_at.date()

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.starts_at + COSTS_RETENTION


class CostSums:
    """What this process has counted, in memory: all days that are not written completely."""

    def __init__(self, instance: str, currency: str) -> None:
        """Begin without costs.

        Args:
            instance: A random id of the process: no other process writes its records.
            currency: The currency of all amounts.
        """
        self._instance = instance
        self._currency = currency
        self._days: dict[date, dict[tuple[str, Channel, str], Costs]] = defaultdict(dict)
        self._written: dict[date, DailyCosts] = {}

    def add(self, day: date, country: str, channel: Channel, provider: str, costs: Costs) -> None:
        """Add costs to those of a day."""
        sums, key = self._days[day], (country, channel, provider)
        sums[key] = sums.get(key, Costs()) + costs

    def list_changed(self) -> Sequence[DailyCosts]:
        """Return the days whose costs have changed since they were written."""
        current = [self._snapshot(day) for day in self._days]
        return [daily for daily in current if daily != self._written.get(daily.day)]

    def mark_written(self, written: DailyCosts) -> None:
        """Record which sums were written. An earlier day is forgotten if nothing has changed."""
        self._written[written.day] = written
        # A clock that is set back reaches the day before at most.
        ended = [day for day in self._written if day < written.day - _ONE_DAY]
        for day in ended:
            if self._snapshot(day) == self._written.pop(day):
                del self._days[day]

    def _snapshot(self, day: date) -> DailyCosts:
        entries = [CostEntry(*key, costs) for key, costs in self._days[day].items()]
        return DailyCosts(
            id=f"{day.isoformat()}:{self._instance}",
            starts_at=start_of(day),
            currency=self._currency,
            entries=tuple(entries),
        )


def start_of(day: date) -> datetime:
    """Return the start of a day, in UTC."""
    return datetime.combine(day, time(), UTC)
