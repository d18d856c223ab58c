"""Report what messages and calls cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.administration.caller import Caller
from application.ports.statistics import PeriodRecords
from application.statistics.period_records import list_batches
from domain.administration.scope import Scope
from domain.costs.report import CostGroup, CostPeriod, CostReport, CostRow, sum_rows
from domain.costs.sums import DailyCosts, start_of


@dataclass(frozen=True, slots=True)
class ReportCosts:
    """Sum the costs of a period by country, provider or channel, or by two of them.

    The report includes all that was written: what a process counted in the last seconds may be
    missing.
    """

    daily_costs: PeriodRecords[DailyCosts]

    async def __call__(
        self, caller: Caller, period: CostPeriod, groups: Sequence[CostGroup]
    ) -> CostReport:
        """Make the report.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        caller.check_scope(Scope.READ_COSTS)
        rows: list[CostRow] = []
        first, last = start_of(period.first_day), start_of(period.last_day)
        async for batch in list_batches(self.daily_costs, first, last):
            read = [
                CostRow(
                    tuple(group.name_of(entry) for group in groups), daily.currency, entry.costs
                )
                for daily in batch
                for entry in daily.entries
            ]
            rows = sum_rows([*rows, *read])
        return CostReport(period, groups, rows)
