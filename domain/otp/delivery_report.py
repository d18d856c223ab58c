"""What became of a delivery, as the provider reports it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

REPORT_TTL: Final = timedelta(days=1)


class ReportedStatus(StrEnum):
    """Where a message or call is. It only advances, and a final status stays."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"

    def follows(self, earlier: "ReportedStatus") -> bool:
        """Return whether a delivery with the earlier status may get this one."""
        if earlier not in _ORDER:
            return False
        return self not in _ORDER or _ORDER.index(self) > _ORDER.index(earlier)


_ORDER: Final = (ReportedStatus.QUEUED, ReportedStatus.SENT)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The status of one delivery. A delivery without a report is queued.

    Attributes:
        id: `Delivery.report_id`.
        error_code: The provider's code, if the delivery failed.
        reason: What it means in words, if that is known.
        visible_at: Before this time the delivery looks queued.
    """

    id: str
    status: ReportedStatus
    expires_at: datetime
    error_code: str | None = None
    reason: str = ""
    visible_at: datetime | None = None

    def advance(
        self, status: ReportedStatus, error_code: str | None = None, reason: str = ""
    ) -> "DeliveryReport":
        """Return the report with this status, or unchanged if the status does not follow."""
        if not status.follows(self.status):
            return self
        return replace(self, status=status, error_code=error_code, reason=reason)

    def visible_status(self, now: datetime) -> ReportedStatus:
        if self.visible_at is not None and now < self.visible_at:
            return ReportedStatus.QUEUED
        return self.status
