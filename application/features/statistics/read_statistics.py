"""Read what all processes have written."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.administration.operator import Operator
from application.features.statistics.ports import PeriodRecords, StatisticsRepositories
from domain.administration.scope import Scope
from domain.cursor import Cursor
from domain.features.statistics.period_sums import HOUR, PeriodCounts
from domain.features.statistics.report import Statistics, StatisticsQuery, StatisticsSums

BATCH_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class ReportStatistics:
    """Sum what all processes counted in some hours, or on some days.

    The report includes all that was written: what a process counted in the last minute may be
    missing.
    """

    repositories: StatisticsRepositories

    async def __call__(self, operator: Operator, query: StatisticsQuery) -> Statistics:
        operator.check_scope(Scope.READ_STATISTICS)
        sums = StatisticsSums(query)
        records = self.repositories.hours if query.period is HOUR else self.repositories.days
        async for counted in _list_counts(records, query.first, query.last):
            sums.add(counted)
        return sums.report()


async def _list_counts(
    records: PeriodRecords, first: datetime, last: datetime
) -> AsyncIterator[PeriodCounts]:
    """Yield the counts of the periods that start from `first` to `last`."""
    cursor = Cursor(first, "")
    while batch := await records.list_after(cursor, last, BATCH_SIZE):
        for counted in batch:
            yield counted
        if len(batch) < BATCH_SIZE:
            return
        cursor = Cursor(batch[-1].starts_at, batch[-1].id)
