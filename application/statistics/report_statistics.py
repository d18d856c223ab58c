"""Report messages, logins, rejections and security events."""

from dataclasses import dataclass

from application.administration.caller import Caller
from application.ports.statistics import PeriodRecords
from application.statistics.period_records import list_batches
from domain.administration.scope import Scope
from domain.statistics.hourly_counts import HourlyCounts
from domain.statistics.report import Statistics, StatisticsQuery, StatisticsSums


@dataclass(frozen=True, slots=True)
class ReportStatistics:
    """Sum what all processes counted in some hours.

    The report includes all that was written: what a process counted in the last minute may be
    missing.
    """

    hourly_counts: PeriodRecords[HourlyCounts]

    async def __call__(self, caller: Caller, query: StatisticsQuery) -> Statistics:
        """Make the report.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        caller.check_scope(Scope.READ_STATISTICS)
        sums = StatisticsSums(query)
        first, last = query.first_hour, query.last_hour
        async for batch in list_batches(self.hourly_counts, first, last):
            for hourly in batch:
                sums.add(hourly)
        return sums.report()
