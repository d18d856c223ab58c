"""The records of statistics, by hour and by day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository, to_position
from adapters.databases.records.retention import Retention
from application.features.statistics.ports import StatisticsRepositories
from domain.cursor import Cursor
from domain.features.statistics import DAY, HOUR, Period, PeriodCounts


class GroupRecord(msgspec.Struct, gc=False):
    """A country, channel, provider and result, and the limit of a rejection."""

    country: str
    channel: Literal["sms", "voice", "whatsapp"]
    provider: str
    result: Literal["sent", "not_taken", "delivered", "undelivered", "logins", "rejected"]
    limit: str = ""


class GroupCountRecord(msgspec.Struct, gc=False):
    """The number of a group."""

    group: GroupRecord
    count: int


class PeriodCountsRecord(Record, kw_only=True):
    """What one process counted in one hour, or on one day."""

    id: str
    starts_at: datetime
    expires_at: datetime
    groups: tuple[GroupCountRecord, ...]


def _make_kind(name: str, period: Period) -> RecordKind[PeriodCountsRecord]:
    return RecordKind(
        name,
        PeriodCountsRecord,
        Index(name=f"{name}_starts_at", order="starts_at", is_paged=True),
        Index(name=f"{name}_expires_at", order=EXPIRES_AT),
        retention=(
            Retention(
                "numbers of messages, logins and rejections",
                "id starts_at expires_at groups(group(country channel provider result limit)"
                " count)",
                f"{period.retention.days} days",
            ),
        ),
    )


STATISTICS_HOURS: Final = _make_kind("statistics_hours", HOUR)
STATISTICS_DAYS: Final = _make_kind("statistics_days", DAY)


class StoredPeriods(RecordRepository[PeriodCounts, PeriodCountsRecord]):
    """What each process counted in each hour, or on each day."""

    async def list_after(
        self, cursor: Cursor, until: datetime, limit: int
    ) -> Sequence[PeriodCounts]:
        index = self.kind.find_index("starts_at")
        after = to_position(cursor)
        found = await self.store.find(self.kind, index, after=after, until=until, limit=limit)
        return [self.read(stored).value for stored in found]


def make_statistics_repositories(database: Database) -> StatisticsRepositories:
    """Return the repositories of statistics."""
    hours, days = (
        StoredPeriods(database.records, RecordMapping(kind, PeriodCounts)) for kind in KINDS
    )
    return StatisticsRepositories(hours=hours, days=days)


KINDS: Final = (STATISTICS_HOURS, STATISTICS_DAYS)
