"""The ports of statistics and costs: where they are kept, and who else counts costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from application.ports.versioned import Expiring, Records
from domain.costs.sums import DailyCosts
from domain.cursor import Cursor
from domain.statistics.hourly_counts import HourlyCounts
from domain.statistics.period_sums import DeliveryGroup

T = TypeVar("T")


class PeriodRecords(Records[T], Expiring, Protocol[T]):
    """What each process counted in each hour, or on each day, by id."""

    async def list_after(self, cursor: Cursor, until: datetime, limit: int) -> Sequence[T]:
        """List up to `limit` of them after a position, of periods that start at `until` or earlier.

        Those of the earliest period come first, and of one period those with the lowest id.
        """
        ...


@dataclass(frozen=True, slots=True)
class StatisticsRepositories:
    """The repositories of statistics and costs."""

    daily_costs: PeriodRecords[DailyCosts]
    hourly_counts: PeriodRecords[HourlyCounts]


class CostMeter(Protocol):
    """Counts costs besides the report, such as for metrics."""

    def add(self, group: DeliveryGroup, millionths: int) -> None:
        """Add an amount; never waits and never raises."""
        ...
