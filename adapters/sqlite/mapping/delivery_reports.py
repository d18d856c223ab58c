"""The stored form of delivery reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from adapters.sqlite.record_mapping import RecordMapping, StoredFields
from domain.otp.delivery_report import DeliveryReport, ReportedStatus

ReportedStatusName = Literal["queued", "sent", "delivered", "undelivered", "failed"]

_STATUSES: Final[Mapping[ReportedStatusName, ReportedStatus]] = {
    "queued": ReportedStatus.QUEUED,
    "sent": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "undelivered": ReportedStatus.UNDELIVERED,
    "failed": ReportedStatus.FAILED,
}
_STATUS_NAMES: Final = {status: name for name, status in _STATUSES.items()}


class StoredDeliveryReport(StoredFields):
    """The body in table `delivery_reports`."""

    id: str
    status: ReportedStatusName
    expires_at: datetime
    error_code: str | None = None
    visible_at: datetime | None = None


class DeliveryReportMapping(RecordMapping[DeliveryReport, StoredDeliveryReport]):
    """Maps delivery reports."""

    stored_type: type[StoredDeliveryReport] = StoredDeliveryReport

    def to_stored(self, value: DeliveryReport) -> StoredDeliveryReport:
        """Return the stored form of a delivery report."""
        return StoredDeliveryReport(
            id=value.id,
            status=_STATUS_NAMES[value.status],
            expires_at=value.expires_at,
            error_code=value.error_code,
            visible_at=value.visible_at,
        )

    def to_domain(self, stored: StoredDeliveryReport) -> DeliveryReport:
        """Return the delivery report of a stored form."""
        return DeliveryReport(
            id=stored.id,
            status=_STATUSES[stored.status],
            expires_at=stored.expires_at,
            error_code=stored.error_code,
            visible_at=stored.visible_at,
        )
