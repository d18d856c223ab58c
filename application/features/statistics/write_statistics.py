"""Write what was counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.features.statistics.ports import PeriodRecords
from application.update import change
from domain.features.statistics.period_sums import PeriodCounts, PeriodSums


@dataclass(frozen=True, slots=True)
class WriteStatistics:
    """Write the sums of the hours and days that have changed.

    A record has the whole sum of its process and period. So a repetition adds nothing, and what
    could not be written is in the next write.
    """

    written: Sequence[tuple[PeriodSums, PeriodRecords]]

    async def __call__(self) -> None:
        for sums, records in self.written:
            for counted in sums.list_changed():
                await _save(records, counted)
                sums.mark_written(counted)


async def _save(records: PeriodRecords, counted: PeriodCounts) -> None:
    await change(records, counted.id, lambda _: (counted, None))
