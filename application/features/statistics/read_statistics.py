"""Read what all processes have written."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
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

    - The report includes all that was written: what a process counted in the last minute may be
      missing.
    - It has amounts for operators who may read costs, in the currency of the price list. Amounts in
      another currency, which the list had before, are left out.
    """

    repositories: StatisticsRepositories
    currency: str

    async def __call__(self, operator: Operator, query: StatisticsQuery) -> Statistics:
        """Make the report.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        operator.check_scope(Scope.READ_STATISTICS)
        sums = StatisticsSums(query, self.currency if operator.has_scope(Scope.READ_COSTS) else "")
        records = self.repositories.hours if query.period is HOUR else self.repositories.days
        async for counted in _list_counts(records, query.first, query.last):
            sums.add(counted)
        return sums.report()


@dataclass(frozen=True, slots=True)
class ReadAmounts:
    """Sum by country what codes and notices cost in each hour, without calls of the phone line."""

    hours: PeriodRecords
    currency: str

    async def __call__(
        self, first: datetime, last: datetime
    ) -> Mapping[datetime, Mapping[str, int]]:
        """Return the amounts in millionths of the currency, by the start of the hour.

        Args:
            first: The start of the first hour.
            last: The start of the last hour.

        Raises:
            StorageError
            CorruptRecord
        """
        amounts: dict[datetime, Counter[str]] = {}
        async for counted in _list_counts(self.hours, first, last):
            by_country = amounts.setdefault(counted.starts_at, Counter())
            if counted.currency == self.currency:
                for each in counted.groups:
                    by_country[each.group.country] += each.counts.millionths
        return amounts


async def _list_counts(
    records: PeriodRecords, first: datetime, last: datetime
) -> AsyncIterator[PeriodCounts]:
    """Yield the counts of the periods that start from `first` to `last`.

    They are read in batches.
    """
    cursor = Cursor(first, "")
    while batch := await records.list_after(cursor, last, BATCH_SIZE):
        for counted in batch:
            yield counted
        if len(batch) < BATCH_SIZE:
            return
        cursor = Cursor(batch[-1].starts_at, batch[-1].id)
