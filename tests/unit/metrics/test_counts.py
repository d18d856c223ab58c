"""What is counted of requests, security events and cleanups."""

from collections import Counter
from datetime import timedelta

import pytest

from adapters.metrics.cleanup import CountedCleanup
from adapters.metrics.metrics import Metrics
from adapters.metrics.security_events import CountSecurityEvents
from application.otp.events import (
    WITHIN_COOLDOWN,
    DeliveryRejected,
    OtpAttemptsExhausted,
    OtpNotTaken,
    OtpRequested,
    OtpSuppressed,
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


def counted(event: SecurityEvent) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what one event counts, besides the event itself."""
    metrics = Metrics({PROVIDER})
    CountSecurityEvents(metrics).record(event)
    found = counts(metrics)
    assert found.pop("security_events") == {(event.name,): 1}
    return found


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            OtpRequested(phone=a_phone(), channel=Channel.SMS, reason=WITHIN_COOLDOWN),
            {"otp_requests": ("US", "within_cooldown")},
            id="a request within the cooldown",
        ),
        pytest.param(
            OtpRequested(phone=a_phone(), channel=Channel.SMS, reason=""), {}, id="a new request"
        ),
        pytest.param(
            accepted(),
            {
                "otp_requests": ("US", "sent"),
                "deliveries": ("US", PROVIDER, "sms", "accepted"),
            },
            id="a message that a provider took",
        ),
        pytest.param(
            unconfirmed(),
            {
                "otp_requests": ("US", "sent"),
                "deliveries": ("US", PROVIDER, "sms", "unknown"),
            },
            id="a message that a provider may have taken",
        ),
        pytest.param(
            OtpSuppressed(phone=a_phone(), channel=Channel.VOICE, reason="blocked"),
            {"deliveries": ("US", "", "voice", "suppressed")},
            id="a message to a blocked phone",
        ),
        pytest.param(
            DeliveryRejected(
                phone=a_phone(),
                channel=Channel.SMS,
                provider=PROVIDER,
                result=DeliveryStatus.NOT_CONNECTED,
                error_code="",
                reason="a reason",
            ),
            {
                "deliveries": ("US", PROVIDER, "sms", "not_connected"),
                "provider_failovers": (PROVIDER,),
            },
            id="a provider that is replaced",
        ),
        pytest.param(
            OtpNotTaken(
                phone=a_phone(),
                channel=Channel.SMS,
                provider=PROVIDER,
                result=DeliveryStatus.INVALID_NUMBER,
                error_code="",
                reason="a reason",
            ),
            {
                "otp_requests": ("US", "rejected"),
                "deliveries": ("US", PROVIDER, "sms", "invalid_number"),
            },
            id="a message that no provider took",
        ),
        pytest.param(
            rejected("all_total"),
            {"otp_requests": ("US", "rejected"), "rejections": ("all_total", "US")},
            id="a request that a limit rejects",
        ),
        pytest.param(
            delivered("IN", Channel.VOICE),
            {"delivery_reports": ("IN", PROVIDER, "voice", "delivered")},
            id="a call that arrived",
        ),
        pytest.param(
            undelivered(ReportedStatus.FAILED),
            {"delivery_reports": ("US", PROVIDER, "sms", "failed")},
            id="a message that did not arrive",
        ),
        pytest.param(
            logged_in(),
            {"logins": ("US", PROVIDER), "otp_attempts": ("US", "correct")},
            id="a login",
        ),
        pytest.param(
            OtpVerificationFailed(phone=a_phone(), attempts_left=4),
            {"otp_attempts": ("US", "wrong")},
            id="a wrong code",
        ),
        pytest.param(
            OtpAttemptsExhausted(phone=a_phone(), reason="a reason"),
            {"otp_attempts": ("US", "exhausted")},
            id="no attempts left",
        ),
    ],
)
def test_a_security_event_counts(
    event: SecurityEvent, expected: dict[str, tuple[str, ...]]
) -> None:
    assert counted(event) == {name: {labels: 1} for name, labels in expected.items()}


def test_labels_have_only_countries_and_providers_that_are_known() -> None:
    found = counted(delivered(country="+14155552671", provider="+1415"))

    assert found["delivery_reports"] == {("", "other", "sms", "delivered"): 1}


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
