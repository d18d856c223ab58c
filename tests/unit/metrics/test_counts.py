"""What is counted of requests, security events and cleanups."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from adapters.metrics.cleanup import CountedCleanup
from adapters.metrics.metrics import Metrics
from adapters.metrics.security_events import CountSecurityEvents
from application.ports.errors import StorageUnavailable
from application.ports.system import SecurityEventDetails, SecurityEventType
from domain.otp.delivery import Channel
from tests.support.builders import a_phone
from tests.support.counts import counts

OF_MESSAGE: Final[SecurityEventDetails] = {
    "phone": a_phone(),
    "provider": "twilio",
    "channel": Channel.SMS,
}


def counted(event: SecurityEventType, **details: Any) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what one event counts, besides the event itself."""
    metrics = Metrics({"twilio"})
    CountSecurityEvents(metrics).emit(event, **details)
    found = counts(metrics)
    assert found.pop("security_events") == {(event.value,): 1}
    return found


@pytest.mark.parametrize(
    ("event", "details", "expected"),
    [
        pytest.param(
            SecurityEventType.OTP_REQUESTED,
            {"phone": a_phone(), "reason": "within the cooldown"},
            {"otp_requests": ("US", "within_cooldown")},
            id="a request within the cooldown",
        ),
        pytest.param(SecurityEventType.OTP_REQUESTED, {"phone": a_phone()}, {}, id="a new request"),
        pytest.param(
            SecurityEventType.OTP_ACCEPTED,
            {**OF_MESSAGE, "result": "accepted"},
            {
                "otp_requests": ("US", "sent"),
                "deliveries": ("US", "twilio", "sms", "accepted"),
            },
            id="a message that a provider took",
        ),
        pytest.param(
            SecurityEventType.OTP_UNCONFIRMED,
            {**OF_MESSAGE, "result": "unknown"},
            {
                "otp_requests": ("US", "sent"),
                "deliveries": ("US", "twilio", "sms", "unknown"),
            },
            id="a message that a provider may have taken",
        ),
        pytest.param(
            SecurityEventType.OTP_SUPPRESSED,
            OF_MESSAGE,
            {"deliveries": ("US", "twilio", "sms", "suppressed")},
            id="a message to a blocked phone",
        ),
        pytest.param(
            SecurityEventType.DELIVERY_REJECTED,
            {**OF_MESSAGE, "result": "not_connected"},
            {
                "deliveries": ("US", "twilio", "sms", "not_connected"),
                "provider_failovers": ("twilio",),
            },
            id="a provider that is replaced",
        ),
        pytest.param(
            SecurityEventType.OTP_REQUEST_REJECTED,
            {**OF_MESSAGE, "result": "invalid_number"},
            {
                "otp_requests": ("US", "rejected"),
                "deliveries": ("US", "twilio", "sms", "invalid_number"),
            },
            id="a message that no provider took",
        ),
        pytest.param(
            SecurityEventType.OTP_REQUEST_REJECTED,
            {"phone": a_phone(), "limit": "all_total"},
            {"otp_requests": ("US", "rejected"), "rejections": ("all_total", "US")},
            id="a request that a limit rejects",
        ),
        pytest.param(
            SecurityEventType.OTP_DELIVERED,
            {"country": "IN", "provider": "twilio", "channel": Channel.VOICE},
            {"delivery_reports": ("IN", "twilio", "voice", "delivered")},
            id="a report without a phone",
        ),
        pytest.param(
            SecurityEventType.OTP_UNDELIVERED,
            {"country": "IN", "provider": "twilio", "channel": Channel.SMS},
            {"delivery_reports": ("IN", "twilio", "sms", "undelivered")},
            id="a message that did not arrive",
        ),
        pytest.param(
            SecurityEventType.LOGIN_SUCCEEDED,
            OF_MESSAGE,
            {"logins": ("US", "twilio"), "otp_attempts": ("US", "correct")},
            id="a login",
        ),
        pytest.param(
            SecurityEventType.OTP_VERIFICATION_FAILED,
            {"phone": a_phone()},
            {"otp_attempts": ("US", "wrong")},
            id="a wrong code",
        ),
        pytest.param(
            SecurityEventType.OTP_ATTEMPTS_EXHAUSTED,
            {"phone": a_phone()},
            {"otp_attempts": ("US", "exhausted")},
            id="no attempts left",
        ),
    ],
)
def test_a_security_event_counts(
    event: SecurityEventType, details: dict[str, Any], expected: dict[str, tuple[str, ...]]
) -> None:
    assert counted(event, **details) == {name: {labels: 1} for name, labels in expected.items()}


def test_labels_have_only_countries_and_providers_that_are_known() -> None:
    found = counted(SecurityEventType.LOGIN_SUCCEEDED, country="+14155552671", provider="+1415")

    assert found["logins"] == {("", "other"): 1}


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
