"""Write what this process counted, and read what all processes have written."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from application.ports.conversion import ChangingCounts, ConversionRepositories
from application.ports.system import Clock
from application.update import change
from domain.conversion.counts import (
    HOURS_RETENTION,
    MINUTES_RETENTION,
    ConversionSums,
    HourConversion,
    MinuteConversion,
    make_hour,
    make_minute,
)
from domain.conversion.recent_counts import RecentCounts
from domain.cursor import Cursor

V = TypeVar("V", MinuteConversion, HourConversion)

OVERLAP: Final = timedelta(minutes=2)
"""How far back what was written is read again: clocks differ, and a write takes its time."""
_BATCH_SIZE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConversion:
    """Write the minutes and hours that have changed.

    A record has the whole sum of its process and period. So a repetition adds nothing, and what
    could not be written is in the next write.
    """

    sums: ConversionSums
    repositories: ConversionRepositories
    clock: Clock

    async def __call__(self) -> None:
        """Write them.

        Raises:
            StorageError
            CorruptRecord
        """
        now, sums, repositories = self.clock.now(), self.sums, self.repositories
        for minute in sums.minutes.list_changed():
            await _write(repositories.minutes, make_minute(minute, now))
            sums.minutes.mark_written(minute)
        for hour in sums.hours.list_changed():
            await _write(repositories.hours, make_hour(hour, now))
            sums.hours.mark_written(hour)


@dataclass(slots=True, kw_only=True)
class ReadConversion:
    """Read the records that were written since the last time. The first time, read all."""

    recent: RecentCounts
    repositories: ConversionRepositories
    clock: Clock
    _minutes_after: Cursor | None = None
    _hours_after: Cursor | None = None

    async def __call__(self) -> None:
        """Read them.

        The hours are added little by little, as the first time there are many. A read that fails
        is continued. Until the minutes are added there is nothing to compare with them.

        Raises:
            StorageError
            CorruptRecord
        """
        now, repositories = self.clock.now(), self.repositories
        until, again_from = now + OVERLAP, Cursor(now - OVERLAP, "")
        after = self._minutes_after or Cursor(now - MINUTES_RETENTION, "")
        listed = _list_changed(repositories.minutes, after, until)
        minutes = [record async for batch in listed for record in batch]
        after = self._hours_after or Cursor(now - HOURS_RETENTION, "")
        async for hours in _list_changed(repositories.hours, after, until):
            self.recent.add_hours(hours)
            self.recent.forget(now)
            if hours[-1].changed_at < again_from.created_at:
                self._hours_after = _position(hours[-1])
        self.recent.add_minutes(minutes)
        self.recent.forget(now)
        self._minutes_after = self._hours_after = again_from


async def _write(records: ChangingCounts[V], record: V) -> None:
    await change(records, record.id, lambda _: (record, None))


async def _list_changed(
    records: ChangingCounts[V], after: Cursor, until: datetime
) -> AsyncIterator[Sequence[V]]:
    while batch := await records.list_changed(after, until, _BATCH_SIZE):
        yield batch
        if len(batch) < _BATCH_SIZE:
            break
        after = _position(batch[-1])


def _position(record: MinuteConversion | HourConversion) -> Cursor:
    return Cursor(record.changed_at, record.id)
