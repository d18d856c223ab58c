"""The stored form of statistics."""

from datetime import datetime
from typing import Literal

import msgspec

from adapters.records.record_kind import Record


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
