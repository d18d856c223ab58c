"""Write what was counted."""

from dataclasses import dataclass

from application.ports.costs import DailyCostsRepository
from application.update import change
from domain.costs.sums import CostSums, DailyCosts


@dataclass(frozen=True, slots=True)
class WriteCosts:
    """Write the costs of the days that have changed.

    A record has the whole sum of its process and day. So a repetition adds nothing, and what could
    not be written is in the next write.
    """

    sums: CostSums
    daily_costs: DailyCostsRepository

    async def __call__(self) -> None:
        """Write them.

        Raises:
            StorageError
            CorruptRecord
        """
        for daily in self.sums.list_changed():
            await self._write(daily)
            self.sums.mark_written(daily)

    async def _write(self, daily: DailyCosts) -> None:
        await change(self.daily_costs, daily.id, lambda _: (daily, None))
