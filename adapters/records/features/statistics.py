"""The records of statistics, and of what messages and calls cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository, to_position
from application.ports.statistics import StatisticsRepositories
from domain.costs.sums import DailyCosts
from domain.cursor import Cursor
from domain.statistics.hourly_counts import HourlyCounts
from domain.statistics.period_sums import PeriodRecord

V = TypeVar("V", bound=PeriodRecord)
R = TypeVar("R", bound=Record)


class CostsRecord(msgspec.Struct, gc=False):
    """A sum. The amount is in millionths of the currency."""

    messages: int = 0
    parts: int = 0
    minutes: int = 0
    millionths: int = 0


class CostEntryRecord(msgspec.Struct, gc=False):
    """The costs of one country, channel and provider."""

    country: str
    channel: Literal["sms", "voice"]
    provider: str
    costs: CostsRecord


class DailyCostsRecord(Record, kw_only=True):
    """What one process counted on one day."""

    id: str
    starts_at: datetime
    expires_at: datetime
    currency: str
    entries: tuple[CostEntryRecord, ...]


class DeliveryCountsRecord(msgspec.Struct, gc=False):
    """What became of messages and calls."""

    sent: int = 0
    delivered: int = 0
    undelivered: int = 0
    logins: int = 0


class DeliveryEntryRecord(msgspec.Struct, gc=False):
    """The counts of one country, channel and provider."""

    country: str
    channel: Literal["sms", "voice"]
    provider: str
    counts: DeliveryCountsRecord


class NamedCountRecord(msgspec.Struct, gc=False):
    """How often a limit rejected, or a security event happened."""

    name: str
    count: int


class HourlyCountsRecord(Record, kw_only=True):
    """What one process counted in one hour."""

    id: str
    starts_at: datetime
    expires_at: datetime
    deliveries: tuple[DeliveryEntryRecord, ...]
    rejections: tuple[NamedCountRecord, ...]
    events: tuple[NamedCountRecord, ...]


DAILY_COSTS: Final = RecordKind(
    "daily_costs",
    DailyCostsRecord,
    Index(name="daily_costs_starts_at", order="starts_at", is_paged=True),
    Index(name="daily_costs_expires_at", order=EXPIRES_AT),
)

HOURLY_COUNTS: Final = RecordKind(
    "hourly_counts",
    HourlyCountsRecord,
    Index(name="hourly_counts_starts_at", order="starts_at", is_paged=True),
    Index(name="hourly_counts_expires_at", order=EXPIRES_AT),
)


class StoredPeriods(RecordRepository[V, R]):
    """What each process counted in each hour, or on each day."""

    async def list_after(self, cursor: Cursor, until: datetime, limit: int) -> Sequence[V]:
        index = self.kind.find_index("starts_at")
        after = to_position(cursor)
        found = await self.store.find(self.kind, index, after=after, until=until, limit=limit)
        return [self.read(stored).value for stored in found]


def make_statistics_repositories(database: Database) -> StatisticsRepositories:
    """Return the repositories of statistics and costs."""
    store = database.records
    return StatisticsRepositories(
        daily_costs=StoredPeriods(store, RecordMapping(DAILY_COSTS, DailyCosts)),
        hourly_counts=StoredPeriods(store, RecordMapping(HOURLY_COUNTS, HourlyCounts)),
    )


KINDS: Final = (DAILY_COSTS, HOURLY_COUNTS)
