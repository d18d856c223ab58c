"""Write what this process counted, and read what all processes have written."""

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
    read_at: datetime | None = None

    async def __call__(self) -> None:
        """Read them.

        Raises:
            StorageError
            CorruptRecord
        """
        now = self.clock.now()
        since = self.read_at - OVERLAP if self.read_at else None
        until = now + OVERLAP
        minutes = await _list_changed(
            self.repositories.minutes, since or now - MINUTES_RETENTION, until
        )
        hours = await _list_changed(self.repositories.hours, since or now - HOURS_RETENTION, until)
        # At once, so that nobody sees one without the other.
        self.recent.add_minutes(minutes)
        self.recent.add_hours(hours)
        self.recent.forget(now)
        self.read_at = now


async def _write(records: ChangingCounts[V], record: V) -> None:
    await change(records, record.id, lambda _: (record, None))


async def _list_changed(records: ChangingCounts[V], since: datetime, until: datetime) -> list[V]:
    found: list[V] = []
    after = Cursor(since, "")
    while batch := await records.list_changed(after, until, _BATCH_SIZE):
        found += batch
        if len(batch) < _BATCH_SIZE:
            break
        after = Cursor(batch[-1].changed_at, batch[-1].id)
    return found
