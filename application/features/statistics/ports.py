"""Where statistics are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Expiring, Records
from domain.cursor import Cursor
from domain.features.statistics import CountedGroup, CountedPrefix, Group, PeriodCounts


class PeriodRecords(Records[PeriodCounts[Group]], Expiring, Protocol[Group]):
    """What each process counted in each hour, or on each day, by id."""

    async def list_after(
        self, cursor: Cursor, until: datetime, limit: int
    ) -> Sequence[PeriodCounts[Group]]:
        """List up to `limit` of them after a position, of periods that start at `until` or earlier.

        Those of the earliest period come first, and of one period those with the lowest id.
        """
        ...


@dataclass(frozen=True, slots=True)
class StatisticsRepositories:
    """The counts by hour, and by day, and those of prefixes by hour."""

    hours: PeriodRecords[CountedGroup]
    days: PeriodRecords[CountedGroup]
    prefixes: PeriodRecords[CountedPrefix]
