"""Security events are counted, and passed on."""

from prometheus_client import Counter

from adapters.operations.metrics.metrics import Metrics, country_label
from application.identities.events import LoginRejectedByHook, LoginSucceeded
from application.otp.events import (
    WITHIN_COOLDOWN,
    BlockedLogin,
    DeliveryRejected,
    OtpAccepted,
    OtpAttemptsExhausted,
    OtpDelivered,
    OtpFellBack,
    OtpNotTaken,
    OtpRequested,
    OtpRequestRejected,
    OtpUnconfirmed,
    OtpUndelivered,
    OtpVerificationFailed,
    ProviderEvent,
    ReportEvent,
    VerificationApproved,
)
from application.ports.security_events import SecurityEvent


class CountSecurityEvents:
    """Count each event by its name, and deliveries, reports, rejections, attempts and logins.

    - A phone is counted by its country only.
    - A request of a phone with a fixed code has no result.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def record(self, event: SecurityEvent) -> None:
        metrics = self._metrics
        metrics.security_events.labels(event.name).inc()
        match event:
            case OtpRequested(reason=reason) if reason == WITHIN_COOLDOWN:
                self._count_request(event.country, "within_cooldown")
            case OtpAccepted() | OtpUnconfirmed():
                self._count_request(event.country, "sent")
                self._count_result(metrics.deliveries, event)
            case OtpNotTaken():
                self._count_request(event.country, "rejected")
                self._count_result(metrics.deliveries, event)
            case OtpFellBack(is_reported=False) if event.provider:
                self._count_result(metrics.deliveries, event)
            case OtpRequestRejected():
                self._count_request(event.country, "rejected")
                if event.limit:
                    metrics.rejections.labels(event.limit, country_label(event.country)).inc()
            case DeliveryRejected():
                self._count_result(metrics.deliveries, event)
                metrics.provider_failovers.labels(metrics.provider_label(event.provider)).inc()
            case OtpDelivered() | OtpUndelivered():
                self._count_result(metrics.delivery_reports, event)
            case LoginSucceeded() | VerificationApproved():
                self._count_attempt(event.country, "correct")
                country, provider = event.country, metrics.provider_label(event.provider)
                channel = event.channel.value
                metrics.logins.labels(country_label(country), provider, channel).inc()
            case LoginRejectedByHook(channel=None) | BlockedLogin(channel=None):
                self._count_attempt(event.country, "correct")
            case OtpVerificationFailed():
                self._count_attempt(event.country, "wrong")
            case OtpAttemptsExhausted():
                self._count_attempt(event.country, "exhausted")
            case _:
                pass

    def _count_request(self, country: str, result: str) -> None:
        self._metrics.otp_requests.labels(country_label(country), result).inc()

    def _count_attempt(self, country: str, result: str) -> None:
        self._metrics.otp_attempts.labels(country_label(country), result).inc()

    def _count_result(self, counter: Counter, event: ProviderEvent | ReportEvent) -> None:
        provider = self._metrics.provider_label(event.provider)
        country = country_label(event.country)
        counter.labels(country, provider, event.channel.value, event.result.value).inc()
