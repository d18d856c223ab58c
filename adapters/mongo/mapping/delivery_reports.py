"""The mapping of delivery reports."""

from typing import Final

from adapters.mongo.documents.delivery_reports import DeliveryReportDocument
from adapters.mongo.driver import RawDocument
from domain.otp.delivery_report import DeliveryReport, ReportedStatus

STORED_STATUSES: Final = {
    ReportedStatus.QUEUED: "queued",
    ReportedStatus.SENT: "sent",
    ReportedStatus.DELIVERED: "delivered",
    ReportedStatus.UNDELIVERED: "undelivered",
    ReportedStatus.FAILED: "failed",
}

_STATUSES: Final = {stored: status for status, stored in STORED_STATUSES.items()}


def decode_delivery_report(stored: DeliveryReportDocument) -> DeliveryReport:
    """Make a delivery report from its document."""
    return DeliveryReport(
        id=stored.id,
        status=_STATUSES[stored.status],
        expires_at=stored.expires_at,
        error_code=stored.error_code,
        visible_at=stored.visible_at,
    )


def encode_delivery_report(report: DeliveryReport) -> RawDocument:
    """Return the fields of a delivery report."""
    return {
        "_id": report.id,
        "status": STORED_STATUSES[report.status],
        "expires_at": report.expires_at,
        "error_code": report.error_code,
        "visible_at": report.visible_at,
    }
