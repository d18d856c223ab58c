"""What clients learn about a delivery, and how it is imitated for a blocked phone."""

from datetime import timedelta

import pytest

from application.otp.delivery_status import TYPICAL_DURATION
from domain.otp.delivery import Channel, parse_report_id
from domain.otp.delivery_report import ReportedStatus
from tests.support.builders import NOW, a_phone
from tests.support.core_harness import A_MESSAGE, WEBHOOK_URLS, CoreHarness, make_core_policy

QUEUED, SENT, DELIVERED = ReportedStatus.QUEUED, ReportedStatus.SENT, ReportedStatus.DELIVERED
UNDELIVERED, FAILED = ReportedStatus.UNDELIVERED, ReportedStatus.FAILED


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


# Reports


async def test_the_url_for_the_status_names_the_report_and_not_the_request(
    app: CoreHarness,
) -> None:
    request_id = (await app.request_otp()).request_id
    (status_url,) = app.messenger.status_urls
    labels = app.labels_of(a_phone())
    assert status_url == WEBHOOK_URLS.sms_status(report_id_of(request_id), labels)
    assert request_id[:32] not in status_url


async def test_without_reports_of_messages_a_blocked_phone_gets_none_either() -> None:
    app = CoreHarness(
        policy=make_core_policy(webhook_urls=WEBHOOK_URLS, are_messages_reported=False)
    )
    await app.identities.operator_actions.block(a_phone())

    request_id = (await app.request_otp()).request_id
    app.clock.advance(TYPICAL_DURATION)

    assert await app.otp.get_delivery_status(request_id) == (QUEUED, None)
    assert not any(app.messenger.status_urls)


async def test_a_blocked_phone_gets_a_report_of_a_hook_once_others_got_one() -> None:
    policy = make_core_policy(webhook_urls=WEBHOOK_URLS, is_sent_reported=False)
    app = CoreHarness(policy=policy)
    await app.identities.operator_actions.block(a_phone())

    before = (await app.request_otp()).request_id
    others = (await app.request_otp(a_phone(2))).request_id
    for _ in range(2):
        await app.otp.report_delivery(report_id_of(others), SENT, A_MESSAGE)
    app.advance(minutes=1)
    after = (await app.request_otp()).request_id
    app.clock.advance(TYPICAL_DURATION)

    statuses = [await app.otp.get_delivery_status(sent) for sent in (before, others, after)]
    assert statuses == [(QUEUED, None), (SENT, None), (SENT, None)]

    # An instance that has seen no report yet knows it from the others.
    other = CoreHarness(policy=policy, database=app.database, clock=app.clock)
    app.advance(minutes=1)
    request_id = (await other.request_otp()).request_id
    app.clock.advance(TYPICAL_DURATION)
    assert await other.otp.get_delivery_status(request_id) == (SENT, None)


async def test_a_delivery_without_a_report_is_queued_and_so_is_an_unknown_one(
    app: CoreHarness,
) -> None:
    request_id = (await app.request_otp()).request_id
    for sent_id in (request_id, "0" * 64, request_id[:32], "unknown", ""):
        assert await app.otp.get_delivery_status(sent_id) == (QUEUED, None)
    await report(app, request_id, QUEUED)
    assert app.database.delivery_reports == {}


@pytest.mark.parametrize("final", [DELIVERED, UNDELIVERED, FAILED])
async def test_the_status_and_the_code_are_those_of_the_latest_status_and_only_advance(
    app: CoreHarness, final: ReportedStatus
) -> None:
    request_id = (await app.request_otp()).request_id
    for error_code in (None, "30003"):
        await report(app, request_id, SENT, error_code)
        assert await app.otp.get_delivery_status(request_id) == (SENT, None)
    await report(app, request_id, final, "30003")
    for late in ReportedStatus:
        await report(app, request_id, late, "30005")
        assert await app.otp.get_delivery_status(request_id) == (final, "30003")
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


# Blocked phones


@pytest.mark.parametrize("channel", Channel)
async def test_the_delivery_of_a_blocked_phone_turns_sent_after_two_seconds_and_stays(
    app: CoreHarness, channel: Channel
) -> None:
    await app.identities.operator_actions.block(a_phone())
    request_id = (await app.request_otp(channel=channel)).request_id
    for seconds, expected in ((0, QUEUED), (1.999, QUEUED), (0.001, SENT), (3600, SENT)):
        app.advance(seconds)
        assert await app.otp.get_delivery_status(request_id) == (expected, None)


async def test_the_time_is_that_of_real_deliveries_by_the_same_channel(app: CoreHarness) -> None:
    request_id = (await app.request_otp(a_phone(2))).request_id
    app.advance(7)
    await report(app, request_id, SENT)
    app.advance(100)
    await report(app, request_id, SENT)
    for phone in (a_phone(), a_phone(4)):
        await app.identities.operator_actions.block(phone)
    ids = [
        (await app.request_otp()).request_id,
        (await app.request_otp(a_phone(4), channel=Channel.VOICE)).request_id,
        (await app.request_otp(a_phone(3), channel=Channel.VOICE)).request_id,
    ]
    for seconds, expected in ((6.999, [QUEUED, SENT, QUEUED]), (0.001, [SENT, SENT, QUEUED])):
        app.advance(seconds)
        assert [(await app.otp.get_delivery_status(each))[0] for each in ids] == expected


async def test_a_report_that_cannot_be_imitated_does_not_fail_the_request(app: CoreHarness) -> None:
    await app.identities.operator_actions.block(a_phone())
    app.faults.fail_on("delivery_reports.add")
    assert (await app.request_otp()).sent
    assert app.faults.has_fired
