"""The stored form of delivery reports."""

from datetime import datetime
from typing import Literal

from adapters.records.record_kind import Record


class DeliveryReportRecord(Record, kw_only=True):
    """The status of one delivery."""

    id: str
    status: Literal["queued", "sent", "delivered", "undelivered", "failed"]
    expires_at: datetime
    error_code: str | None = None
    visible_at: datetime | None = None
