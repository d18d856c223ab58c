"""The records of statistics: by hour and by day, and of prefixes by hour."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository, to_position
from adapters.databases.records.retention import Retention
from application.features.statistics import StatisticsRepositories
from domain.cursor import Cursor
from domain.features.statistics import (
    DAY,
    HOUR,
    CountedGroup,
    CountedPrefix,
    Group,
    GroupCount,
    Period,
    PeriodCounts,
)


class PeriodCountsRecord(Record, kw_only=True):
    """What one process counted in one hour, or on one day."""

    id: str
    starts_at: datetime
    expires_at: datetime
    groups: tuple[GroupCount[CountedGroup], ...]


class PrefixCountsRecord(Record, kw_only=True):
    """What one process counted by prefix in one hour."""

    id: str
    starts_at: datetime
    expires_at: datetime
    groups: tuple[GroupCount[CountedPrefix], ...]


_R = TypeVar("_R", PeriodCountsRecord, PrefixCountsRecord)


def _make_kind(
    name: str, record_type: type[_R], period: Period, data: str, group_fields: str
) -> RecordKind[_R]:
    return RecordKind(
        name,
        record_type,
        Index(name=f"{name}_starts_at", order="starts_at", is_paged=True),
        Index(name=f"{name}_expires_at", order=EXPIRES_AT),
        retention=(
            Retention(
                data,
                f"id starts_at expires_at groups(group({group_fields}) count)",
                f"{period.retention.days} days",
            ),
        ),
    )


_COUNTED: Final = "numbers of messages, logins and rejections"
_GROUP_FIELDS: Final = "country channel provider result limit"
STATISTICS_HOURS: Final = _make_kind(
    "statistics_hours", PeriodCountsRecord, HOUR, _COUNTED, _GROUP_FIELDS
)
STATISTICS_DAYS: Final = _make_kind(
    "statistics_days", PeriodCountsRecord, DAY, _COUNTED, _GROUP_FIELDS
)
STATISTICS_PREFIXES: Final = _make_kind(
    "statistics_prefixes",
    PrefixCountsRecord,
    HOUR,
    "numbers of messages and logins, by the country code and up to three digits of the phone",
    "prefix result",
)


class StoredPeriods(RecordRepository[PeriodCounts[Group], _R], Generic[Group, _R]):
    """What each process counted in each hour, or on each day."""

    async def list_after(
        self, cursor: Cursor, until: datetime, limit: int
    ) -> Sequence[PeriodCounts[Group]]:
        index = self.kind.find_index("starts_at")
        after = to_position(cursor)
        records = await self.store.find(self.kind, index, after=after, until=until, limit=limit)
        return [self.read(stored).value for stored in records]


def make_statistics_repositories(database: Database) -> StatisticsRepositories:
    """Return the repositories of statistics."""
    hours, days = (
        StoredPeriods(database.records, RecordMapping(kind, PeriodCounts[CountedGroup]))
        for kind in (STATISTICS_HOURS, STATISTICS_DAYS)
    )
    prefixes = StoredPeriods(
        database.records, RecordMapping(STATISTICS_PREFIXES, PeriodCounts[CountedPrefix])
    )
    return StatisticsRepositories(hours=hours, days=days, prefixes=prefixes)


KINDS: Final = (STATISTICS_HOURS, STATISTICS_DAYS, STATISTICS_PREFIXES)
