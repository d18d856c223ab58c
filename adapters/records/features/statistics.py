"""The records of statistics, and of what messages and calls cost."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository, to_position
from application.ports.statistics import StatisticsRepositories
from domain.costs.sums import CostEntry, Costs, DailyCosts
from domain.cursor import Cursor
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import DeliveryCounts, DeliveryEntry, HourlyCounts
from domain.statistics.period_sums import PeriodRecord

V = TypeVar("V", bound=PeriodRecord)
R = TypeVar("R", bound=Record)
E = TypeVar("E", CostEntry, DeliveryEntry)


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


class WhatsAppCostsRecord(msgspec.Struct, gc=False):
    """The costs of one country and provider by WhatsApp."""

    country: str
    provider: str
    costs: CostsRecord


class DailyCostsRecord(Record, kw_only=True):
    """What one process counted on one day.

    WhatsApp is not among the other entries: a program of before cannot read its channel.
    """

    id: str
    starts_at: datetime
    expires_at: datetime
    currency: str
    entries: tuple[CostEntryRecord, ...]
    whatsapp_entries: tuple[WhatsAppCostsRecord, ...] = ()


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


class WhatsAppCountsRecord(msgspec.Struct, gc=False):
    """The counts of one country and provider by WhatsApp."""

    country: str
    provider: str
    counts: DeliveryCountsRecord


class HourlyCostRecord(msgspec.Struct, gc=False):
    """What messages and calls of one country, channel and provider cost in an hour."""

    country: str
    channel: str
    provider: str
    millionths: int


class NamedCountRecord(msgspec.Struct, gc=False):
    """How often a limit rejected, or a security event happened."""

    name: str
    count: int


class HourlyCountsRecord(Record, kw_only=True):
    """What one process counted in one hour. WhatsApp is apart, as in the costs of a day."""

    id: str
    starts_at: datetime
    expires_at: datetime
    deliveries: tuple[DeliveryEntryRecord, ...]
    rejections: tuple[NamedCountRecord, ...]
    events: tuple[NamedCountRecord, ...]
    whatsapp_deliveries: tuple[WhatsAppCountsRecord, ...] = ()
    costs: tuple[HourlyCostRecord, ...] = ()
    currency: str = ""


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


class DailyCostsMapping(RecordMapping[DailyCosts, DailyCostsRecord]):
    """The mapping of the costs of a day, which keeps those of WhatsApp apart."""

    def __init__(self) -> None:
        """Take the kind."""
        super().__init__(DAILY_COSTS, DailyCosts)

    def to_record(self, value: DailyCosts) -> DailyCostsRecord:
        """Return the record of the costs."""
        others, by_whatsapp = _split(value.entries)
        record = super().to_record(replace(value, entries=others))
        record.whatsapp_entries = msgspec.convert(
            by_whatsapp, tuple[WhatsAppCostsRecord, ...], from_attributes=True
        )
        return record

    def to_value(self, record: DailyCostsRecord) -> DailyCosts:
        """Return the costs of a record.

        Raises:
            CorruptRecord
        """
        costs = super().to_value(record)
        by_whatsapp = (
            CostEntry(
                each.country,
                Channel.WHATSAPP,
                each.provider,
                msgspec.convert(each.costs, Costs, from_attributes=True),
            )
            for each in record.whatsapp_entries
        )
        return replace(costs, entries=(*costs.entries, *by_whatsapp))


class HourlyCountsMapping(RecordMapping[HourlyCounts, HourlyCountsRecord]):
    """The mapping of the counts of an hour, which keeps those of WhatsApp apart."""

    def __init__(self) -> None:
        """Take the kind."""
        super().__init__(HOURLY_COUNTS, HourlyCounts)

    def to_record(self, value: HourlyCounts) -> HourlyCountsRecord:
        """Return the record of the counts."""
        others, by_whatsapp = _split(value.deliveries)
        record = super().to_record(replace(value, deliveries=others))
        record.whatsapp_deliveries = msgspec.convert(
            by_whatsapp, tuple[WhatsAppCountsRecord, ...], from_attributes=True
        )
        return record

    def to_value(self, record: HourlyCountsRecord) -> HourlyCounts:
        """Return the counts of a record.

        Raises:
            CorruptRecord
        """
        counted = super().to_value(record)
        by_whatsapp = (
            DeliveryEntry(
                each.country,
                Channel.WHATSAPP,
                each.provider,
                msgspec.convert(each.counts, DeliveryCounts, from_attributes=True),
            )
            for each in record.whatsapp_deliveries
        )
        return replace(counted, deliveries=(*counted.deliveries, *by_whatsapp))


def _split(entries: Iterable[E]) -> tuple[tuple[E, ...], tuple[E, ...]]:
    """Return the entries of other channels, and those of WhatsApp."""
    others: list[E] = []
    by_whatsapp: list[E] = []
    for entry in entries:
        (by_whatsapp if entry.channel is Channel.WHATSAPP else others).append(entry)
    return tuple(others), tuple(by_whatsapp)


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
        daily_costs=StoredPeriods(store, DailyCostsMapping()),
        hourly_counts=StoredPeriods(store, HourlyCountsMapping()),
    )


KINDS: Final = (DAILY_COSTS, HOURLY_COUNTS)
