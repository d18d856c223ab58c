"""The stored form of delivery reports."""

from datetime import datetime
from typing import Final, Literal

from adapters.records.mapping import Record, RecordMapping
from domain.otp.delivery_report import DeliveryReport


class DeliveryReportRecord(Record, kw_only=True):
    """The status of one delivery."""

    id: str
    status: Literal["queued", "sent", "delivered", "undelivered", "failed"]
    expires_at: datetime
    error_code: str | None = None
    visible_at: datetime | None = None


DELIVERY_REPORTS: Final = RecordMapping("delivery_reports", DeliveryReportRecord, DeliveryReport)
