"""The port of statistics: where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.costs import DailyCostsRepository
from application.ports.versioned import Expiring, Records
from domain.page import Cursor
from domain.statistics.hourly_counts import HourlyCounts


class HourlyCountsRepository(Records[HourlyCounts], Expiring, Protocol):
    """What each process counted in each hour, by id."""

    async def list_after(
        self, cursor: Cursor, until: datetime, limit: int
    ) -> Sequence[HourlyCounts]:
        """List up to `limit` of them after a position, of hours that start at `until` or earlier.

        Those of the earliest hour come first, and of one hour those with the lowest id.
        """
        ...


@dataclass(frozen=True, slots=True)
class StatisticsRepositories:
    """The repositories of statistics and costs."""

    daily_costs: DailyCostsRepository
    hourly_counts: HourlyCountsRepository
