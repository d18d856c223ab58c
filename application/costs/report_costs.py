"""Report what messages and calls cost."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.administration.caller import Caller
from application.ports.costs import DailyCostsRepository
from domain.administration.scope import Scope
from domain.costs.report import TOTAL, CostGroup, CostPeriod, CostReport, CostRow, sum_rows
from domain.costs.sums import DailyCosts, start_of
from domain.page import Cursor

BATCH_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class ReportCosts:
    """Sum the costs of a period by country, provider or channel.

    They include all that was written: what a process counted in the last seconds may be missing.
    """

    daily_costs: DailyCostsRepository

    async def __call__(self, caller: Caller, period: CostPeriod, group: CostGroup) -> CostReport:
        """Make the report.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        caller.check_scope(Scope.READ_COSTS)
        rows: list[CostRow] = []
        async for batch in self._list_batches(period):
            read = [
                CostRow(group.name_of(entry), daily.currency, entry.costs)
                for daily in batch
                for entry in daily.entries
            ]
            rows = sum_rows([*rows, *read])
        return CostReport(period, rows, sum_rows(replace(row, name=TOTAL) for row in rows))

    async def _list_batches(self, period: CostPeriod) -> AsyncIterator[Sequence[DailyCosts]]:
        cursor, until = Cursor(start_of(period.first_day), ""), start_of(period.last_day)
        while batch := await self.daily_costs.list_after(cursor, until, BATCH_SIZE):
            yield batch
            if len(batch) < BATCH_SIZE:
                return
            cursor = Cursor(batch[-1].starts_at, batch[-1].id)
