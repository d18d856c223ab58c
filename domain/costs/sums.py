"""What messages and calls cost: sums by UTC day, country, channel and provider."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from domain.otp.delivery import Channel
from domain.statistics.period_sums import DeliveryGroup, PeriodSums

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
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.starts_at + COSTS_RETENTION


class CostSums(PeriodSums[dict[DeliveryGroup, Costs], DailyCosts]):
    """What this process has counted, in memory: all days that are not written completely."""

    def __init__(self, instance: str, currency: str) -> None:
        """Begin without costs.

        Args:
            instance: A random id of the process: no other process writes its records.
            currency: The currency of all amounts.
        """
        super().__init__(_ONE_DAY)
        self._instance = instance
        self._currency = currency

    def add(self, day: date, group: DeliveryGroup, costs: Costs) -> None:
        """Add costs to those of a country, channel and provider on this day."""
        sums = self._sums.setdefault(start_of(day), {})
        sums[group] = sums.get(group, Costs()) + costs

    def _snapshot(self, starts_at: datetime) -> DailyCosts:
        return DailyCosts(
            id=f"{starts_at.date().isoformat()}:{self._instance}",
            starts_at=starts_at,
            currency=self._currency,
            entries=tuple(
                CostEntry(group.country, group.channel, group.provider, costs)
                for group, costs in self._sums[starts_at].items()
            ),
        )


def start_of(day: date) -> datetime:
    """Return the start of a day, in UTC."""
    return datetime.combine(day, time(), UTC)
