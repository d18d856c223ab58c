"""Security events are counted, and passed on."""

from typing import Final, Unpack

from adapters.metrics.metrics import Metrics, country_label
from application.ports.otp import DeliveryStatus
from application.ports.system import SecurityEventDetails, SecurityEventType
from domain.otp.delivery_report import ReportedStatus

SUPPRESSED: Final = "suppressed"
"""The result of a delivery to a blocked phone, or of a code for an undo without a change."""
_WITHIN_COOLDOWN: Final = "within the cooldown"
_SENT: Final = {
    SecurityEventType.OTP_ACCEPTED: DeliveryStatus.ACCEPTED,
    SecurityEventType.OTP_UNCONFIRMED: DeliveryStatus.UNKNOWN,
}
_REPORTS: Final = {
    SecurityEventType.OTP_DELIVERED: ReportedStatus.DELIVERED,
    SecurityEventType.OTP_UNDELIVERED: ReportedStatus.UNDELIVERED,
}
_ATTEMPTS: Final = {
    SecurityEventType.LOGIN_SUCCEEDED: "correct",
    SecurityEventType.OTP_VERIFICATION_FAILED: "wrong",
    SecurityEventType.OTP_ATTEMPTS_EXHAUSTED: "exhausted",
}


class CountSecurityEvents:
    """Count each event by its type, and deliveries, reports, rejections, attempts and logins.

    - A phone is counted by its country only.
    - A request of a blocked phone, of one with a test OTP, or for an undo without a change has no
      result.
    """

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Count an event."""
        self._metrics.security_events.labels(event.value).inc()
        self._count(event, details)

    def _count(self, event: SecurityEventType, details: SecurityEventDetails) -> None:
        metrics, country = self._metrics, country_of(details)
        provider = metrics.provider_label(details.get("provider") or "")
        channel, result = details.get("channel") or "", details.get("result") or ""
        match event:
            case SecurityEventType.OTP_REQUESTED if details.get("reason") == _WITHIN_COOLDOWN:
                metrics.otp_requests.labels(country, "within_cooldown").inc()
            case SecurityEventType.OTP_ACCEPTED | SecurityEventType.OTP_UNCONFIRMED:
                metrics.otp_requests.labels(country, "sent").inc()
                sent = result or _SENT[event].value
                metrics.deliveries.labels(country, provider, channel, sent).inc()
            case SecurityEventType.OTP_SUPPRESSED:
                metrics.deliveries.labels(country, provider, channel, SUPPRESSED).inc()
            case SecurityEventType.DELIVERY_REJECTED:
                rejected = result or DeliveryStatus.REJECTED.value
                metrics.deliveries.labels(country, provider, channel, rejected).inc()
                metrics.provider_failovers.labels(provider).inc()
            case SecurityEventType.OTP_REQUEST_REJECTED:
                metrics.otp_requests.labels(country, "rejected").inc()
                if result:
                    metrics.deliveries.labels(country, provider, channel, result).inc()
                if limit := details.get("limit"):
                    metrics.rejections.labels(limit, country).inc()
            case SecurityEventType.OTP_DELIVERED | SecurityEventType.OTP_UNDELIVERED:
                status = result or _REPORTS[event].value
                metrics.delivery_reports.labels(country, provider, channel, status).inc()
            case SecurityEventType.LOGIN_SUCCEEDED:
                metrics.otp_attempts.labels(country, _ATTEMPTS[event]).inc()
                metrics.logins.labels(country, provider).inc()
            case (
                SecurityEventType.OTP_VERIFICATION_FAILED | SecurityEventType.OTP_ATTEMPTS_EXHAUSTED
            ):
                metrics.otp_attempts.labels(country, _ATTEMPTS[event]).inc()
            case _:
                pass


def country_of(details: SecurityEventDetails) -> str:
    """Return the country of an event as a label."""
    phone = details.get("phone")
    return country_label(details.get("country") or (phone.country if phone else ""))
