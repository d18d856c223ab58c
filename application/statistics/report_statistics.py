"""Report messages, logins, rejections and security events."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from application.administration.caller import Caller
from application.ports.statistics import HourlyCountsRepository
from domain.administration.scope import Scope
from domain.page import Cursor
from domain.statistics.hourly_counts import HourlyCounts
from domain.statistics.report import Statistics, StatisticsQuery, StatisticsSums

BATCH_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class ReportStatistics:
    """Sum what all processes counted in some hours.

    The report includes all that was written: what a process counted in the last minute may be
    missing.
    """

    hourly_counts: HourlyCountsRepository

    async def __call__(self, caller: Caller, query: StatisticsQuery) -> Statistics:
        """Make the report.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        caller.check_scope(Scope.READ_STATISTICS)
        sums = StatisticsSums(query)
        async for batch in self._list_batches(query):
            for hourly in batch:
                sums.add(hourly)
        return sums.report()

    async def _list_batches(self, query: StatisticsQuery) -> AsyncIterator[Sequence[HourlyCounts]]:
        cursor = Cursor(query.first_hour, "")
        while batch := await self.hourly_counts.list_after(cursor, query.last_hour, BATCH_SIZE):
            yield batch
            if len(batch) < BATCH_SIZE:
                return
            cursor = Cursor(batch[-1].starts_at, batch[-1].id)
