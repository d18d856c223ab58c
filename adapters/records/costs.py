"""The stored form of costs."""

from datetime import datetime
from typing import Literal

import msgspec

from adapters.records.record_kind import Record


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
