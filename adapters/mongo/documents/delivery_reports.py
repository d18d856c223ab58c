"""The stored schema of delivery reports."""

from datetime import datetime
from typing import ClassVar, Literal

from adapters.mongo.documents.base import RecordDocument, index


class DeliveryReportDocument(RecordDocument):
    """What became of a delivery."""

    status: Literal["queued", "sent", "delivered", "undelivered", "failed"]
    expires_at: datetime
    error_code: str | None = None
    visible_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "delivery_reports"
        indexes: ClassVar = [index("delivery_reports_expires_at", "expires_at")]
