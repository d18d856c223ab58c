"""Write what was counted, and read what all processes have written."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from application.ports.statistics import PeriodRecords
from application.ports.system import Randomness
from application.update import change
from domain.cursor import Cursor
from domain.statistics.period_sums import PeriodRecord, PeriodSums

V = TypeVar("V", bound=PeriodRecord)

BATCH_SIZE: Final = 200
_PROCESS_ID_BYTES: Final = 8


def make_process_id(randomness: Randomness) -> str:
    """Return a random id of this process: no other process writes its records."""
    return randomness.bytes(_PROCESS_ID_BYTES).hex()


@dataclass(frozen=True, slots=True)
class WriteSums(Generic[V]):
    """Write the sums of the periods that have changed.

    A record has the whole sum of its process and period. So a repetition adds nothing, and what
    could not be written is in the next write.
    """

    sums: PeriodSums[Any, V]
    records: PeriodRecords[V]

    async def __call__(self) -> None:
        """Write the records that have changed.

        Raises:
            StorageError
            CorruptRecord
        """
        for counted in self.sums.list_changed():
            await self._write(counted)
            self.sums.mark_written(counted)

    async def _write(self, counted: V) -> None:
        await change(self.records, counted.id, lambda _: (counted, None))


async def list_batches(
    records: PeriodRecords[V], first: datetime, last: datetime
) -> AsyncIterator[Sequence[V]]:
    """Yield the records of the periods that start from `first` to `last`, in batches.

    Raises:
        StorageError
        CorruptRecord
    """
    cursor = Cursor(first, "")
    while batch := await records.list_after(cursor, last, BATCH_SIZE):
        yield batch
        if len(batch) < BATCH_SIZE:
            return
        cursor = Cursor(batch[-1].starts_at, batch[-1].id)
