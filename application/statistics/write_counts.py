"""Write what was counted."""

from dataclasses import dataclass

from application.ports.statistics import HourlyCountsRepository
from application.update import change
from domain.statistics.hourly_counts import HourlyCounts, HourlySums


@dataclass(frozen=True, slots=True)
class WriteHourlyCounts:
    """Write the counts of the hours that have changed.

    A record has the whole sum of its process and hour. So a repetition adds nothing, and what could
    not be written is in the next write.
    """

    sums: HourlySums
    hourly_counts: HourlyCountsRepository

    async def __call__(self) -> None:
        """Write them.

        Raises:
            StorageError
            CorruptRecord
        """
        for hourly in self.sums.list_changed():
            await self._write(hourly)
            self.sums.mark_written(hourly)

    async def _write(self, hourly: HourlyCounts) -> None:
        await change(self.hourly_counts, hourly.id, lambda _: (hourly, None))
