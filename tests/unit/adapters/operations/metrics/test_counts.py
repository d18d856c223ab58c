"""What is counted of requests, security events, cleanups, uploads and events of users."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from adapters.operations.metrics.cleanup import CountedCleanup
from adapters.operations.metrics.features.attestation import CountAttestations
from adapters.operations.metrics.features.events import CountedEvents
from adapters.operations.metrics.features.media import count_uploads
from adapters.operations.metrics.metrics import Metrics
from adapters.operations.metrics.security_events import CountSecurityEvents
from application.features.attestation import AttestationRejected, AttestationRequested
from application.features.events.send_events import SentEvents
from application.otp.events import (
    WITHIN_COOLDOWN,
    BlockedLogin,
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
from domain.features.media.errors import InvalidImage
from domain.otp.delivery import Channel, ReportedStatus
from tests.support.builders import a_phone
from tests.support.counted_events import (
    PROVIDER,
    accepted,
    delivered,
    logged_in,
    rejected,
    unconfirmed,
    undelivered,
    verified,
)
from tests.support.counts import counts

SMS: Final[dict[str, Any]] = {"phone": a_phone(), "channel": Channel.SMS}
FAILURE: Final[dict[str, Any]] = {"provider": PROVIDER, "error_code": "", "reason": "a reason"}


def fell_back(*, is_reported: bool = False) -> OtpFellBack:
    return OtpFellBack(
        phone=a_phone(),
        channel=Channel.WHATSAPP,
        provider=PROVIDER,
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
        (BlockedLogin(phone=a_phone()), {"otp_attempts US correct"}),
        (BlockedLogin(phone=a_phone(), channel="passkey"), set()),
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
        (fell_back(is_reported=True), set()),  # it was counted when the provider took it
        (rejected(limit="all_total"), {"otp_requests US rejected", "rejections all_total US"}),
        (
            delivered(country="IN", channel=Channel.VOICE),
            {"delivery_reports IN acme:open voice delivered"},
        ),
        (undelivered(result=ReportedStatus.FAILED), {"delivery_reports US acme:open sms failed"}),
        (logged_in(), {"logins US acme:open sms", "otp_attempts US correct"}),
        (verified(), {"logins US acme:open sms", "otp_attempts US correct"}),
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
        if not reports:
            raise StorageUnavailable
        return reports.pop(0)

    cleanup = CountedCleanup(clean_up, metrics)
    assert await cleanup(timedelta(minutes=1)) == Counter(deleted_items=3)
    assert await cleanup(timedelta(minutes=1)) is None
    with pytest.raises(StorageUnavailable):
        await cleanup(timedelta(minutes=1))

    found = counts(metrics)
    assert found["cleanup_runs"] == {("completed",): 1, ("failed",): 1}
    assert found["cleanup_deleted"] == {("deleted_items",): 3}
    assert metrics.registry.get_sample_value("dialtone_cleanup_last_success_timestamp_seconds")


def test_proofs_before_a_message_are_counted() -> None:
    metrics = Metrics()
    count = CountAttestations(metrics)
    count.record(AttestationRequested(**SMS))
    count.record(AttestationRejected(**SMS, result="used", reason="a reason"))
    count.record(accepted())

    assert counts(metrics) == {
        "otp_requests": {("US", "attestation_required"): 1},
        "attestations": {("used",): 1},
    }


async def test_events_are_counted_by_the_position_of_their_destination() -> None:
    async def send() -> dict[str, SentEvents]:
        return {"a": SentEvents(accepted=3), "b": SentEvents(1, 2, "status 500")}

    metrics = Metrics()
    await CountedEvents(send, metrics, ["b", "a"])()
    assert counts(metrics)["events"] == {
        ("1", "accepted"): 1,
        ("1", "failed"): 2,
        ("2", "accepted"): 3,
    }


def test_an_upload_is_counted_by_its_error() -> None:
    metrics, path = Metrics(), "/library/upload"
    count_uploads(metrics, path)
    metrics.observe_request("POST", path, 201, 0.1, None)
    metrics.observe_request("POST", path, 400, 0.1, InvalidImage)
    metrics.observe_request("OPTIONS", path, 204, 0.1, None)

    assert counts(metrics)["uploads"] == {("stored",): 1, ("invalid_image",): 1}
