"""What is counted of requests, security events and cleanups."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from adapters.operations.metrics.cleanup import CountedCleanup
from adapters.operations.metrics.metrics import Metrics
from adapters.operations.metrics.security_events import CountSecurityEvents
from application.otp.events import (
    WITHIN_COOLDOWN,
    DeliveryRejected,
    OtpAttemptsExhausted,
    OtpFellBack,
    OtpNotTaken,
    OtpRequested,
    OtpVerificationFailed,
)
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryStatus
from application.ports.security_events import SecurityEvent
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from tests.support.builders import a_phone
from tests.support.counted_events import (
    PROVIDER,
    accepted,
    delivered,
    logged_in,
    rejected,
    unconfirmed,
    undelivered,
)
from tests.support.counts import counts

SMS: Final[dict[str, Any]] = {"phone": a_phone(), "channel": Channel.SMS}
FAILURE: Final[dict[str, Any]] = {"provider": PROVIDER, "error_code": "", "reason": "a reason"}


def fell_back(provider: str = PROVIDER, *, is_reported: bool = False) -> OtpFellBack:
    return OtpFellBack(
        phone=a_phone(),
        channel=Channel.WHATSAPP,
        provider=provider,
        result=DeliveryStatus.UNAVAILABLE,
        error_code="132015",
        reason="a reason",
        next_channel=Channel.SMS,
        is_reported=is_reported,
    )


def counted(event: SecurityEvent) -> set[str]:
    """Return what one event counts, besides the event itself: metrics with their labels."""
    metrics = Metrics({PROVIDER})
    CountSecurityEvents(metrics).record(event)
    found = counts(metrics)
    assert found.pop("security_events") == {(event.name,): 1}
    assert all(count == 1 for by_labels in found.values() for count in by_labels.values())
    return {" ".join((name, *labels)) for name, by_labels in found.items() for labels in by_labels}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (OtpRequested(**SMS, reason=WITHIN_COOLDOWN), {"otp_requests US within_cooldown"}),
        (OtpRequested(**SMS, reason=""), set()),
        (accepted(), {"otp_requests US sent", "deliveries US acme:open sms accepted"}),
        (unconfirmed(), {"otp_requests US sent", "deliveries US acme:open sms unknown"}),
        (
            DeliveryRejected(**SMS, **FAILURE, result=DeliveryStatus.NOT_CONNECTED),
            {"deliveries US acme:open sms not_connected", "provider_failovers acme:open"},
        ),
        (
            OtpNotTaken(**SMS, **FAILURE, result=DeliveryStatus.INVALID_NUMBER),
            {"otp_requests US rejected", "deliveries US acme:open sms invalid_number"},
        ),
        (fell_back(), {"deliveries US acme:open whatsapp unavailable"}),
        # The provider took it, and it was counted; or nobody was called.
        (fell_back(is_reported=True), set()),
        (fell_back(provider=""), set()),
        (rejected(limit="all_total"), {"otp_requests US rejected", "rejections all_total US"}),
        (
            delivered(country="IN", channel=Channel.VOICE),
            {"delivery_reports IN acme:open voice delivered"},
        ),
        (undelivered(result=ReportedStatus.FAILED), {"delivery_reports US acme:open sms failed"}),
        (logged_in(), {"logins US acme:open sms", "otp_attempts US correct"}),
        (OtpVerificationFailed(phone=a_phone(), attempts_left=4), {"otp_attempts US wrong"}),
        (OtpAttemptsExhausted(phone=a_phone(), reason=""), {"otp_attempts US exhausted"}),
        # Labels have only countries and providers that are known.
        (
            delivered(country="+14155552671", provider="+1415"),
            {"delivery_reports  other sms delivered"},
        ),
    ],
    ids=lambda value: value.name if isinstance(value, SecurityEvent) else "",
)
def test_a_security_event_counts(event: SecurityEvent, expected: set[str]) -> None:
    assert counted(event) == expected


def test_a_request_is_counted_by_its_route_and_an_unusual_method_as_other() -> None:
    metrics = Metrics()
    for method in ("GET", "BREW", "GET"):
        metrics.observe_request(method, "/users/{user_id}", 200, 0.1, None)

    assert counts(metrics)["http_requests"] == {
        ("GET", "/users/{user_id}", "200"): 2,
        ("other", "/users/{user_id}", "200"): 1,
    }


async def test_a_cleanup_counts_what_it_deleted_and_one_that_is_not_due_counts_nothing() -> None:
    metrics, reports = Metrics(), [Counter(deleted_items=3, deleted_calls=0), None]

    async def clean_up(_: timedelta) -> Counter[str] | None:
        return reports.pop(0)

    cleanup = CountedCleanup(clean_up, metrics)
    assert await cleanup(timedelta(minutes=1)) == Counter(deleted_items=3)
    assert await cleanup(timedelta(minutes=1)) is None

    found = counts(metrics)
    assert found["cleanup_runs"] == {("completed",): 1}
    assert found["cleanup_deleted"] == {("deleted_items",): 3}
    assert metrics.registry.get_sample_value("dialtone_cleanup_last_success_timestamp_seconds")


async def test_a_cleanup_that_fails_is_counted() -> None:
    async def fail(_: timedelta) -> Counter[str] | None:
        raise StorageUnavailable

    metrics = Metrics()
    with pytest.raises(StorageUnavailable):
        await CountedCleanup(fail, metrics)(timedelta(minutes=1))
    assert counts(metrics)["cleanup_runs"] == {("failed",): 1}
