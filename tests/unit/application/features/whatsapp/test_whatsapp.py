"""A code goes by WhatsApp, and by SMS where WhatsApp cannot deliver it."""

import asyncio
from dataclasses import replace

import pytest

from application.limits.additions import NumberBlock
from application.otp.events import (
    OtpDelivered,
    OtpFellBack,
    OtpNotTaken,
    OtpUndelivered,
)
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.errors import DeliveryFailed, DomainError, PhoneUnreachable
from domain.features.whatsapp import UNREACHABLE_TTL
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.messages import MessagePreferences, Platform
from tests.support.builders import a_phone
from tests.support.fakes.messenger import (
    ACCEPTED,
    INVALID_NUMBER,
    NOT_CONNECTED,
    REJECTED,
    UNAVAILABLE,
    UNKNOWN,
)
from tests.support.whatsapp.whatsapp_app import WhatsAppHarness


@pytest.fixture
def app() -> WhatsAppHarness:
    return WhatsAppHarness()


def sent(app: WhatsAppHarness) -> tuple[int, int]:
    return len(app.whatsapp.sent), len(app.messenger.sent)


@pytest.mark.parametrize("result", [NOT_CONNECTED, UNAVAILABLE, REJECTED, INVALID_NUMBER])
async def test_what_was_surely_not_sent_goes_by_sms_with_the_same_code(
    app: WhatsAppHarness, result: DeliveryResult
) -> None:
    app.whatsapp.result = result
    preferences = MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu")
    requested = await app.request(preferences=preferences)
    (by_whatsapp,), (by_sms,) = app.whatsapp.messages, app.messenger.messages

    assert by_sms.text == f"{by_whatsapp.code} US android pt-BR FA+9qCX9VSu 0:05:00"
    (fell_back,) = app.events.of_type(OtpFellBack)
    assert (fell_back.channel, fell_back.next_channel) == (Channel.WHATSAPP, Channel.SMS)
    assert (fell_back.provider, fell_back.result) == ("meta", result.status)
    delivery = await app.delivery()
    assert (delivery.channel, delivery.provider) == (Channel.SMS, "acme")
    assert requested.request_id == delivery.public_id
    is_remembered = await app.numbers.is_unreachable(a_phone())
    assert is_remembered == (result is INVALID_NUMBER)
    logged_in = await app.verify_otp(by_sms.code, request_id=requested.request_id)
    assert isinstance(logged_in, LoggedIn)


async def test_changes_of_the_number_go_by_sms(app: WhatsAppHarness) -> None:
    await app.request(a_phone(1), purpose=Purpose.CHANGE_PHONE)
    await app.otp.send_notice(a_phone(), PhoneNotice.PHONE_CHANGED)
    assert (len(app.whatsapp.sent), len(app.messenger.sent)) == (0, 2)
    await app.request(a_phone(2), purpose=Purpose.VERIFICATION, bound_to="a token")
    assert (len(app.whatsapp.sent), len(app.messenger.sent)) == (1, 2)


@pytest.mark.parametrize(
    ("last", "error"), [(INVALID_NUMBER, PhoneUnreachable), (REJECTED, DeliveryFailed)]
)
async def test_the_last_channel_decides_what_the_client_is_told(
    app: WhatsAppHarness, last: DeliveryResult, error: type[DomainError]
) -> None:
    app.whatsapp.result, app.messenger.result = REJECTED, last
    with pytest.raises(error):
        await app.request_otp(channel=None)
    assert sent(app) == (1, 1)
    (not_taken,) = app.events.of_type(OtpNotTaken)
    assert (not_taken.channel, not_taken.result) == (Channel.SMS, last.status)
    delivery = await app.delivery()
    assert (delivery.is_rejected, delivery.permits) == (True, None)
    assert delivery.fell_back == f"whatsapp: {REJECTED.reason}"
    assert app.database.permits["country:US:deliveries:unverified:strangers"] == 0


async def test_a_number_without_whatsapp_is_remembered_for_seven_days(
    app: WhatsAppHarness,
) -> None:
    app.whatsapp.result = INVALID_NUMBER
    await app.request()
    app.whatsapp.result = ACCEPTED
    app.advance(UNREACHABLE_TTL.total_seconds() - 1)
    await app.request()
    # Also if the client asks for it: its response shows nothing.
    app.advance(-60)
    await app.request(channel=Channel.WHATSAPP, phone=a_phone())
    assert sent(app)[0] == 1
    app.advance(3700)
    await app.request()
    assert sent(app)[0] == 2


async def test_what_is_kept_expires_or_goes_with_the_account(app: WhatsAppHarness) -> None:
    user = await app.add_user()
    await app.request(a_phone(3))
    await app.numbers.remember(a_phone())
    await app.numbers.remember(a_phone(2))
    await app.identities.delete_user(user)
    app.advance(minutes=10)
    report = await app.operations.cleanup()
    assert report["expired_whatsapp_deliveries"] == 1
    assert not await app.numbers.is_unreachable(a_phone())
    app.advance(UNREACHABLE_TTL.total_seconds())
    assert (await app.operations.cleanup())["expired_unreachable_numbers"] == 1


@pytest.mark.parametrize(
    "operation",
    ["unreachable_numbers.load", "unreachable_numbers.add", "whatsapp_deliveries.add"],
)
async def test_a_failure_of_the_database_sends_no_message_twice(
    app: WhatsAppHarness, operation: str
) -> None:
    app.whatsapp.result = INVALID_NUMBER
    app.faults.fail_on(operation)
    await app.request()
    assert app.faults.has_fired
    assert sent(app) == (1, 1)
    # Nothing is reported of a message without a record.
    assert bool(app.whatsapp.sent[0].reference) is (operation != "whatsapp_deliveries.add")


DELIVERED, FAILED, SENT = ReportedStatus.DELIVERED, ReportedStatus.FAILED, ReportedStatus.SENT
UNDELIVERED = ReportedStatus.UNDELIVERED


@pytest.mark.parametrize(("status", "result"), [(FAILED, ACCEPTED), (UNDELIVERED, UNKNOWN)])
async def test_a_failure_sends_the_same_code_by_sms_once(
    app: WhatsAppHarness, status: ReportedStatus, result: object
) -> None:
    app.whatsapp.result = result  # type: ignore[assignment]
    requested = await app.request()
    before = await app.delivery()
    assert sent(app) == (1, 0)  # after an unknown result nothing else is tried
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


async def test_after_an_arrival_or_the_login_a_failure_sends_nothing(app: WhatsAppHarness) -> None:
    await app.request()
    await app.report(SENT)
    await app.report(DELIVERED)
    await app.report(DELIVERED)
    await app.report(FAILED, is_unreachable=True)
    await app.finish()
    assert app.messenger.sent == []
    assert not await app.numbers.is_unreachable(a_phone())
    assert [event.channel for event in app.events.of_type(OtpDelivered)] == [Channel.WHATSAPP]
    app.advance(minutes=5)
    await app.request()
    await app.verify_otp(app.whatsapp.messages[-1].code)
    await app.report(FAILED, is_unreachable=True)
    await app.finish()
    assert app.messenger.sent == []
    assert not await app.numbers.is_unreachable(a_phone())


@pytest.mark.parametrize(("seconds", "messages"), [(240, 1), (241, 0), (301, 0)])
async def test_a_code_with_less_than_a_minute_left_is_not_sent_again(
    app: WhatsAppHarness, seconds: int, messages: int
) -> None:
    await app.request()
    app.advance(seconds)
    await app.report(FAILED)
    await app.finish()
    assert len(app.messenger.sent) == messages


async def test_a_number_that_is_blocked_meanwhile_gets_no_sms(app: WhatsAppHarness) -> None:
    await app.request()
    app = app.adding(
        find_number_block=lambda *_: NumberBlock("block_country", "block of the country")
    )
    await app.report(FAILED)
    await app.finish()
    assert app.messenger.sent == []


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
