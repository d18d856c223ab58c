"""What is counted: sums by hour, and of messages by country, channel and provider as well."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.otp.delivery import Channel
from domain.statistics.period_sums import DeliveryGroup, PeriodSums

STATISTICS_RETENTION: Final = timedelta(days=8)
"""How long the counts of an hour are kept: the same hour a week ago can be compared."""
ONE_HOUR: Final = timedelta(hours=1)
MAX_GROUPS: Final = 2_000
"""How many groups of messages an hour has: all countries and channels of four providers."""
MAX_UNWRITTEN_HOURS: Final = 24
"""How many hours a process keeps while the database is away."""
UNKNOWN: Final = "unknown"
"""In the place of a country or provider that an event does not name."""
OTHER: Final = "other"
"""In the place of the country and the provider of a group that is one too many."""


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """What became of messages and calls with a code.

    Attributes:
        sent: Those that a provider took, or may have taken.
        delivered: Those that arrived, as the provider reports later.
        undelivered: Those that failed, as the provider reports later.
        logins: The logins with their codes.
    """

    sent: int = 0
    delivered: int = 0
    undelivered: int = 0
    logins: int = 0

    def __add__(self, other: "DeliveryCounts") -> "DeliveryCounts":
        """Return both together."""
        return DeliveryCounts(
            self.sent + other.sent,
            self.delivered + other.delivered,
            self.undelivered + other.undelivered,
            self.logins + other.logins,
        )

    @property
    def conversion(self) -> int | None:
        """Logins in percent of what was sent; None if nothing was sent."""
        return round(100 * self.logins / self.sent) if self.sent else None


@dataclass(frozen=True, slots=True)
class DeliveryEntry:
    """The counts of one country, channel and provider."""

    country: str
    channel: Channel
    provider: str
    counts: DeliveryCounts


@dataclass(frozen=True, slots=True)
class HourlyCost:
    """What the messages and calls of one country, channel and provider cost, in millionths."""

    country: str
    channel: Channel
    provider: str
    millionths: int


@dataclass(frozen=True, slots=True)
class NamedCount:
    """How often something happened."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyCounts:
    """What one process counted in one hour. A consistency boundary, which only it writes.

    Attributes:
        id: The hour and the process: `<yyyy-mm-dd>T<hh>:<instance>.<number>`. The number differs
            where a clock is set back to an hour that the process has forgotten.
        starts_at: The start of the hour.
        deliveries: The messages and calls with a code.
        rejections: Requests for a code, and calls, that a limit rejected, by limit.
        events: The security events, by type.
        costs: What messages and calls cost, where that is counted.
        currency: That of the costs. Empty where none are counted: by a process without prices, or
            by a program of before.
    """

    id: str
    starts_at: datetime
    deliveries: tuple[DeliveryEntry, ...] = ()
    rejections: tuple[NamedCount, ...] = ()
    events: tuple[NamedCount, ...] = ()
    costs: tuple[HourlyCost, ...] = ()
    currency: str = ""

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.starts_at + STATISTICS_RETENTION


@dataclass(slots=True)
class _Hour:
    """The sums of one hour, in memory.

    `number` is different each time that the hour begins anew.
    """

    number: int
    deliveries: dict[DeliveryGroup, DeliveryCounts] = field(default_factory=dict)
    rejections: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    costs: Counter[DeliveryGroup] = field(default_factory=Counter)


class HourlySums(PeriodSums[_Hour, HourlyCounts]):
    """What this process has counted, in memory: all hours that are not written completely.

    The number of hours is limited, and so is that of the groups of an hour: whoever requests codes
    chooses the countries.

    Attributes:
        currency: That of costs; empty where this process counts none.
    """

    def __init__(self, instance: str) -> None:
        """Begin without counts.

        Args:
            instance: A random id of the process: no other process writes its records.
        """
        super().__init__(ONE_HOUR)
        self._instance = instance
        self._begun_hours = 0
        self.currency = ""

    def add_delivery(self, now: datetime, group: DeliveryGroup, counts: DeliveryCounts) -> None:
        """Add counts to those of a country, channel and provider in this hour."""
        deliveries = self._hour(now).deliveries
        if group not in deliveries and len(deliveries) >= MAX_GROUPS:
            group = DeliveryGroup(OTHER, group.channel, OTHER)
        counted = deliveries.get(group)
        deliveries[group] = counts if counted is None else counted + counts

    def add_cost(self, now: datetime, group: DeliveryGroup, millionths: int) -> None:
        """Add what a message or call cost to the costs of its group in this hour."""
        costs = self._hour(now).costs
        if group not in costs and len(costs) >= MAX_GROUPS:
            group = DeliveryGroup(OTHER, group.channel, OTHER)
        costs[group] += millionths

    def add_rejection(self, now: datetime, limit: str) -> None:
        """Count a rejection by a limit in this hour."""
        self._hour(now).rejections[limit] += 1

    def add_event(self, now: datetime, event: str) -> None:
        """Count a security event in this hour."""
        self._hour(now).events[event] += 1

    def _hour(self, now: datetime) -> _Hour:
        starts_at = start_of_hour(now)
        hour = self._sums.get(starts_at)
        if hour is None:
            self._begun_hours += 1
            hour = self._sums[starts_at] = _Hour(self._begun_hours)
            if len(self._sums) > MAX_UNWRITTEN_HOURS:
                earliest = min(self._sums)
                del self._sums[earliest]
                self._written.pop(earliest, None)
        return hour

    def _snapshot(self, starts_at: datetime) -> HourlyCounts:
        hour = self._sums[starts_at]
        return HourlyCounts(
            id=f"{starts_at:%Y-%m-%dT%H}:{self._instance}.{hour.number}",
            starts_at=starts_at,
            deliveries=tuple(
                DeliveryEntry(group.country, group.channel, group.provider, counts)
                for group, counts in hour.deliveries.items()
            ),
            rejections=tuple(NamedCount(*counted) for counted in hour.rejections.items()),
            events=tuple(NamedCount(*counted) for counted in hour.events.items()),
            costs=tuple(
                HourlyCost(group.country, group.channel, group.provider, millionths)
                for group, millionths in hour.costs.items()
            ),
            currency=self.currency,
        )


def start_of_hour(moment: datetime) -> datetime:
    """Return the start of an hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
