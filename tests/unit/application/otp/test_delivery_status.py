"""What clients learn about a delivery."""

from datetime import timedelta

import pytest

from domain.otp.delivery import parse_report_id
from domain.otp.delivery_report import ReportedStatus
from tests.support.builders import NOW, a_phone
from tests.support.core_harness import A_MESSAGE, WEBHOOK_URLS, CoreHarness, make_core_policy

QUEUED, SENT, DELIVERED = ReportedStatus.QUEUED, ReportedStatus.SENT, ReportedStatus.DELIVERED
UNDELIVERED = ReportedStatus.UNDELIVERED


@pytest.fixture
def app() -> CoreHarness:
    return CoreHarness(policy=make_core_policy(webhook_urls=WEBHOOK_URLS))


def report_id_of(request_id: str) -> str:
    report_id = parse_report_id(request_id)
    assert report_id is not None
    return report_id


async def report(
    app: CoreHarness, request_id: str, reported: ReportedStatus, error_code: str | None = None
) -> None:
    """Report a status, as the provider does."""
    await app.otp.record_message_status.report_delivery(
        report_id_of(request_id), reported, A_MESSAGE, error_code
    )


async def test_the_url_for_the_status_names_the_report_and_not_the_request(
    app: CoreHarness,
) -> None:
    request_id = (await app.request_otp()).request_id
    (status_url,) = app.messenger.status_urls
    report_id, labels = report_id_of(request_id), app.labels_of(a_phone())
    # Its parameters are in alphabetical order.
    assert status_url == (
        "https://dialtone.example.org/sms/status"
        f"?country=US&delivery={report_id}&phone_hash={labels.phone_hash}"
    )
    assert request_id[:32] not in status_url


async def test_a_delivery_without_a_report_is_queued_and_so_is_an_unknown_one(
    app: CoreHarness,
) -> None:
    request_id = (await app.request_otp()).request_id
    for sent_id in (request_id, "0" * 64, request_id[:32], "unknown", ""):
        assert await app.otp.get_delivery_status(sent_id) == (QUEUED, None)
    await report(app, request_id, QUEUED)
    assert app.database.delivery_reports == {}


async def test_the_status_and_the_code_are_those_of_the_latest_status_and_only_advance(
    app: CoreHarness,
) -> None:
    request_id = (await app.request_otp()).request_id
    for error_code in (None, "30003"):
        await report(app, request_id, SENT, error_code)
        assert await app.otp.get_delivery_status(request_id) == (SENT, None)
    await report(app, request_id, UNDELIVERED, "30003")
    for late in ReportedStatus:
        await report(app, request_id, late, "30005")
        assert await app.otp.get_delivery_status(request_id) == (UNDELIVERED, "30003")
    (stored,) = app.database.delivery_reports.values()
    assert stored.value.expires_at == NOW + timedelta(days=1)


async def test_a_request_within_the_cooldown_shows_the_delivery_that_it_refers_to(
    app: CoreHarness,
) -> None:
    first, again = await app.request_otp(), await app.request_otp(client_ip="198.51.100.1")
    assert not again.sent
    await report(app, first.request_id, DELIVERED)
    app.advance(15)
    resend = await app.request_otp()
    statuses = [await app.otp.get_delivery_status(each.request_id) for each in (again, resend)]
    assert statuses == [(DELIVERED, None), (QUEUED, None)]
