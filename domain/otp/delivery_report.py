"""What became of a delivery, as the provider reports it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.delivery import Channel

REPORT_TTL: Final = timedelta(days=1)


class ReportedStatus(StrEnum):
    """Where a message or call is. It only advances, and a final status stays."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self not in _ORDER

    @property
    def is_failure(self) -> bool:
        return self in (ReportedStatus.UNDELIVERED, ReportedStatus.FAILED)

    def follows(self, earlier: "ReportedStatus") -> bool:
        """Return whether a delivery with the earlier status may get this one."""
        if earlier.is_final:
            return False
        return self.is_final or _ORDER.index(self) > _ORDER.index(earlier)


_ORDER: Final = (ReportedStatus.QUEUED, ReportedStatus.SENT)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The status of one delivery. A delivery without a report is queued.

    Attributes:
        reason: What the provider's error code means in words, if that is known.
        left: The channel whose message failed, and whose code the next channel has: what is
            reported of that message changes nothing.
    """

    id: str
    status: ReportedStatus
    expires_at: datetime
    error_code: str | None = None
    reason: str = ""
    left: Channel | None = None

    def advance(
        self,
        status: ReportedStatus,
        channel: Channel,
        error_code: str | None = None,
        reason: str = "",
    ) -> "DeliveryReport":
        """Return the report with this status, or unchanged if the status does not follow.

        A failure without an error code gets that of a later report.
        """
        if channel is self.left:
            return self
        if self.status.is_failure and status.is_failure and not self.error_code and error_code:
            return replace(self, error_code=error_code, reason=reason)
        if not status.follows(self.status):
            return self
        return replace(self, status=status, error_code=error_code, reason=reason)

    def leave(self, channel: Channel) -> "DeliveryReport":
        return replace(self, left=channel)
