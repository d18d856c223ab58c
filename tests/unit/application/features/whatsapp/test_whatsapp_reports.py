"""What the provider reports of a code by WhatsApp, and the SMS after a failure."""

import asyncio
from dataclasses import replace

import pytest

from application.otp.events import OtpDelivered, OtpFellBack, OtpUndelivered
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryStatus
from application.ports.webhooks import MessageStatus
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from tests.support.builders import a_phone
from tests.support.core_harness import A_MESSAGE
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.support.whatsapp.whatsapp_app import REQUEST, WhatsAppHarness

DELIVERED, FAILED, SENT = ReportedStatus.DELIVERED, ReportedStatus.FAILED, ReportedStatus.SENT
UNDELIVERED = ReportedStatus.UNDELIVERED


@pytest.fixture
def app() -> WhatsAppHarness:
    return WhatsAppHarness()


@pytest.mark.parametrize(("status", "result"), [(FAILED, ACCEPTED), (UNDELIVERED, UNKNOWN)])
async def test_a_failure_sends_the_same_code_by_sms_once(
    app: WhatsAppHarness, status: ReportedStatus, result: object
) -> None:
    app.whatsapp.result = result  # type: ignore[assignment]
    requested = await app.request()
    before = await app.delivery()
    app.advance(minutes=2)
    for _ in range(3):
        assert await app.report(status)
    await app.finish()

    (by_sms,) = app.messenger.messages
    assert by_sms.text == f"{app.whatsapp.messages[0].code} US general None None 0:03:00"
    after = await app.delivery()
    assert (after.channel, after.provider) == (Channel.SMS, "acme")
    assert (after.request_id, after.permits) == (before.request_id, before.permits)
    (fell_back,) = app.events.of_type(OtpFellBack)
    assert (fell_back.result, fell_back.next_channel) == (DeliveryStatus.REJECTED, Channel.SMS)
    assert [event.channel for event in app.events.of_type(OtpUndelivered)] == [Channel.WHATSAPP]
    assert not await app.numbers.is_unreachable(a_phone())
    logged_in = await app.verify_otp(by_sms.code, request_id=requested.request_id)
    assert isinstance(logged_in, LoggedIn)


async def test_twenty_reports_at_once_send_one_sms(app: WhatsAppHarness) -> None:
    request_id = (await app.request()).request_id
    await app.report(SENT)
    await asyncio.gather(*(app.report(FAILED) for _ in range(20)))
    await app.finish()
    assert len(app.messenger.sent) == 1
    assert await app.otp.get_delivery_status(request_id) == (SENT, None)


@pytest.mark.parametrize("result", [ACCEPTED, INVALID_NUMBER])
async def test_a_report_before_the_response_sends_one_sms(
    app: WhatsAppHarness, result: object
) -> None:
    app.whatsapp.result, app.whatsapp.gate = result, asyncio.Event()  # type: ignore[assignment]
    requesting = asyncio.create_task(app.request_otp(channel=None))
    await app.whatsapp.arrived.wait()
    await app.report(FAILED)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(app.messenger.sent) == 1
    app.whatsapp.gate.set()
    await requesting
    await app.finish()

    assert len(app.messenger.sent) == 1
    delivery = await app.delivery()
    assert (delivery.channel, delivery.provider) == (Channel.SMS, "acme")


async def test_after_an_arrival_a_failure_sends_nothing(app: WhatsAppHarness) -> None:
    await app.request()
    await app.report(SENT)
    await app.report(DELIVERED)
    await app.report(DELIVERED)
    await app.report(FAILED, is_unreachable=True)
    await app.finish()
    assert app.messenger.sent == []
    assert not await app.numbers.is_unreachable(a_phone())
    assert [event.channel for event in app.events.of_type(OtpDelivered)] == [Channel.WHATSAPP]


async def test_after_the_login_a_failure_sends_nothing(app: WhatsAppHarness) -> None:
    await app.request()
    await app.verify_otp(app.whatsapp.messages[0].code)
    await app.report(FAILED, is_unreachable=True)
    await app.finish()
    assert app.messenger.sent == []
    assert not await app.numbers.is_unreachable(a_phone())


@pytest.mark.parametrize(("seconds", "messages"), [(240, 1), (241, 0), (250, 0), (301, 0)])
async def test_a_code_with_less_than_a_minute_left_is_not_sent_again(
    app: WhatsAppHarness, seconds: int, messages: int
) -> None:
    await app.request()
    app.advance(seconds)
    await app.report(FAILED)
    await app.finish()
    assert len(app.messenger.sent) == messages


async def test_where_a_later_message_has_the_code_only_its_failure_sends_it_by_sms(
    app: WhatsAppHarness,
) -> None:
    await app.request()
    app.advance(20)
    await app.request()
    first, second = app.whatsapp.messages
    assert first.code == second.code
    await app.report(FAILED, message=0)
    await app.finish()
    assert app.messenger.sent == []
    # A code for something else changes nothing.
    app.advance(20)
    await app.request(purpose=Purpose.CHANGE_PHONE)
    for message in (1, 0):
        await app.report(FAILED, message=message)
        await app.finish()
    assert [sent.code == second.code for sent in app.messenger.messages] == [False, True]


@pytest.mark.parametrize("has_account", [True, False])
async def test_a_phone_that_was_blocked_meanwhile_gets_the_sms_if_it_has_an_account(
    app: WhatsAppHarness, has_account: bool
) -> None:
    phone = a_phone() if has_account else a_phone(2)
    await app.add_user()
    app.advance(hours=12)
    await app.request(phone)
    await app.identities.operator_actions.block(phone)
    before = len(app.messenger.sent)
    await app.report(FAILED)
    await app.finish()
    assert len(app.messenger.sent) - before == has_account


@pytest.mark.parametrize(("status", "error_code"), [(DELIVERED, None), (UNDELIVERED, "30005")])
async def test_after_a_failure_the_status_is_that_of_the_sms(
    app: WhatsAppHarness, status: ReportedStatus, error_code: str | None
) -> None:
    async def shown() -> tuple[ReportedStatus, str | None]:
        return await app.otp.get_delivery_status(request_id)

    request_id = (await app.request()).request_id
    await app.report(SENT)
    assert await shown() == (SENT, None)
    for late in (FAILED, FAILED, SENT, DELIVERED, UNDELIVERED):
        await app.report(late)
        await app.finish()
        assert await shown() == (SENT, None)
    app.advance(minutes=10)
    await app.operations.cleanup()
    await app.report(FAILED)
    assert await shown() == (SENT, None)
    for reported in (SENT, status):
        await app.otp.report_delivery(
            (await app.delivery()).report_id, reported, A_MESSAGE, error_code
        )
    await app.report(FAILED)
    assert await shown() == (status, error_code)


async def test_what_becomes_of_a_message_is_told(app: WhatsAppHarness) -> None:
    request_id = (await app.request()).request_id
    for status in (SENT, DELIVERED):
        await app.report(status)
        assert await app.otp.get_delivery_status(request_id) == (status, None)


async def test_a_failure_after_which_no_sms_is_sent_is_told(app: WhatsAppHarness) -> None:
    request_id = (await app.request()).request_id
    app.messenger.result = replace(REJECTED, error_code="21610")
    await app.report(FAILED)
    await app.finish()
    assert await app.otp.get_delivery_status(request_id) == (FAILED, "21610")


async def test_a_number_that_is_reported_as_unreachable_is_remembered(
    app: WhatsAppHarness,
) -> None:
    await app.request()
    await app.report(FAILED, is_unreachable=True)
    await app.finish()
    (fell_back,) = app.events.of_type(OtpFellBack)
    assert (fell_back.result, fell_back.error_code) == (DeliveryStatus.INVALID_NUMBER, "131026")
    assert await app.numbers.is_unreachable(a_phone())
    # It failed at one device, and arrived at another.
    await app.report(DELIVERED)
    assert not await app.numbers.is_unreachable(a_phone())


@pytest.mark.parametrize(
    "operation", ["phone_verifications.load", "delivery_reports.add", "phone_verifications.save"]
)
async def test_after_a_failure_of_the_database_the_provider_repeats_its_report(
    app: WhatsAppHarness, operation: str
) -> None:
    await app.request()
    app.faults.fail_on(operation)
    with pytest.raises(StorageUnavailable):
        await app.report(FAILED)
    await app.report(FAILED)
    await app.finish()
    assert len(app.messenger.sent) == 1


async def test_what_is_not_ours_is_dropped(app: WhatsAppHarness) -> None:
    await app.request()
    app.whatsapp.statuses = (
        MessageStatus(None),
        MessageStatus(FAILED, reference="of another system"),
        MessageStatus(FAILED, reference=f"{app.whatsapp.sent[0].reference[:-10]}{'0' * 10}"),
    )
    assert await app.feature.record_message_status(REQUEST, {})
    app.whatsapp.statuses = None
    assert not await app.feature.record_message_status(REQUEST, {})
    await app.finish()
    assert app.messenger.sent == []
    assert app.feature.answer_handshake(REQUEST) == "1158201444"
