"""A code goes by WhatsApp, and by SMS where WhatsApp cannot deliver it."""

import asyncio
from datetime import timedelta

import pytest

from application.otp.events import OtpAccepted, OtpFellBack, OtpNotTaken
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult, PausedProvider
from domain.errors import CountryNotServed, DeliveryFailed, DomainError, PhoneUnreachable
from domain.features.whatsapp import UNREACHABLE_TTL
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose
from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences, Platform
from tests.support.builders import a_phone
from tests.support.fakes.messenger import (
    ACCEPTED,
    INVALID_NUMBER,
    NOT_CONNECTED,
    REJECTED,
    UNAVAILABLE,
    UNKNOWN,
)
from tests.support.whatsapp.whatsapp_app import WhatsAppHarness, whatsapp_policy

SMS_FIRST = ChannelOrder((Channel.SMS, Channel.WHATSAPP))


@pytest.fixture
def app() -> WhatsAppHarness:
    return WhatsAppHarness()


def sent(app: WhatsAppHarness) -> tuple[int, int]:
    return len(app.whatsapp.sent), len(app.messenger.sent)


async def test_a_code_goes_by_the_first_channel_and_signs_in(app: WhatsAppHarness) -> None:
    preferences = MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu")
    result = await app.request(preferences=preferences)
    (message,) = app.whatsapp.messages

    # Nothing in WhatsApp reads an app hash.
    assert message.text == f"{message.code} US general pt-BR None 0:05:00"
    assert (result.sent, app.messenger.sent) == (True, [])
    assert (await app.delivery()).channel is Channel.WHATSAPP
    (accepted,) = app.events.of_type(OtpAccepted)
    assert (accepted.channel, accepted.provider) == (Channel.WHATSAPP, "meta")
    assert isinstance(await app.verify_otp(message.code), LoggedIn)


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


async def test_after_an_unknown_result_nothing_else_is_tried(app: WhatsAppHarness) -> None:
    app.whatsapp.result = UNKNOWN
    await app.request()
    assert sent(app) == (1, 0)
    assert not await app.numbers.is_unreachable(a_phone())


async def test_a_client_chooses_the_first_channel(app: WhatsAppHarness) -> None:
    await app.request(channel=Channel.SMS)
    assert sent(app) == (0, 1)
    other = WhatsAppHarness(policy=whatsapp_policy(SMS_FIRST))
    await other.request(channel=Channel.WHATSAPP)
    assert sent(other) == (1, 0)


async def test_all_but_sign_ins_go_by_sms(app: WhatsAppHarness) -> None:
    others = [purpose for purpose in Purpose if purpose is not Purpose.SIGN_IN]
    for number, purpose in enumerate(others, 1):
        await app.request(a_phone(number), purpose=purpose)
    await app.otp.send_notice(a_phone(), PhoneNotice.PHONE_CHANGED, None)
    assert len(app.whatsapp.sent) == 0
    assert len(app.messenger.sent) == len(others) + 1  # with the notice


async def test_after_an_sms_that_fails_whatsapp_is_tried() -> None:
    app = WhatsAppHarness(policy=whatsapp_policy(SMS_FIRST))
    await app.request()
    assert sent(app) == (0, 1)
    app.messenger.result = INVALID_NUMBER
    assert (await app.request(a_phone(2))).sent
    assert sent(app) == (1, 2)
    assert (await app.delivery(a_phone(2))).channel is Channel.WHATSAPP


@pytest.mark.parametrize(
    ("last", "error"), [(INVALID_NUMBER, PhoneUnreachable), (REJECTED, DeliveryFailed)]
)
async def test_the_last_channel_decides_what_the_client_is_told(
    app: WhatsAppHarness, last: DeliveryResult, error: type[DomainError]
) -> None:
    app.whatsapp.result, app.messenger.result = REJECTED, last
    with pytest.raises(error, match=last.reason):
        await app.request_otp(channel=None)
    assert sent(app) == (1, 1)
    (not_taken,) = app.events.of_type(OtpNotTaken)
    assert (not_taken.channel, not_taken.result) == (Channel.SMS, last.status)
    delivery = await app.delivery()
    assert (delivery.is_rejected, delivery.permits) == (True, None)
    assert delivery.fell_back == f"whatsapp: {REJECTED.reason}"
    assert app.database.permits["country:US:deliveries:unverified:strangers"] == 0


async def test_the_response_waits_for_the_channel_that_takes_the_code(
    app: WhatsAppHarness,
) -> None:
    app.whatsapp.result, app.messenger.gate = REJECTED, asyncio.Event()
    requesting = asyncio.create_task(app.request_otp(channel=None))
    await app.messenger.arrived.wait()
    assert not requesting.done()
    app.messenger.gate.set()
    assert (await requesting).sent


async def test_a_blocked_phone_gets_a_code_if_it_has_an_account(app: WhatsAppHarness) -> None:
    await app.add_user()
    for phone in (a_phone(), a_phone(2)):
        await app.identities.operator_actions.block(phone)
    app.advance(hours=12)
    before = sent(app)
    assert (await app.request()).sent
    with pytest.raises(CountryNotServed):
        await app.request(a_phone(2))
    assert sent(app) == (before[0] + 1, before[1])


async def test_while_all_channels_pause_nothing_is_used_up(app: WhatsAppHarness) -> None:
    until = app.clock.now() + timedelta(seconds=30)
    app.whatsapp.pause = PausedProvider("meta", "No answer.", until)
    await app.request()
    assert sent(app) == (1, 0)
    app.messenger.pause = PausedProvider("acme", "No answer.", until)
    with pytest.raises(DeliveryFailed):
        await app.request(a_phone(2))


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


async def test_a_login_by_whatsapp_clears_it_and_one_by_sms_does_not(
    app: WhatsAppHarness,
) -> None:
    app.whatsapp.result = INVALID_NUMBER
    await app.request()
    await app.verify_otp(app.messenger.messages[-1].code)
    assert await app.numbers.is_unreachable(a_phone())
    app.whatsapp.result = ACCEPTED
    await app.request(a_phone(2))
    await app.numbers.remember(a_phone(2))
    await app.verify_otp(app.whatsapp.messages[-1].code, a_phone(2))
    assert not await app.numbers.is_unreachable(a_phone(2))


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
    ("operation", "messages"),
    [
        ("unreachable_numbers.load", (1, 1)),
        ("unreachable_numbers.add", (1, 1)),
        ("whatsapp_deliveries.add", (1, 1)),
    ],
)
async def test_a_failure_of_the_database_sends_no_message_twice(
    app: WhatsAppHarness, operation: str, messages: tuple[int, int]
) -> None:
    app.whatsapp.result = INVALID_NUMBER
    app.faults.fail_on(operation)
    await app.request()
    assert app.faults.has_fired
    assert sent(app) == messages
    # Nothing is reported of a message without a record.
    assert bool(app.whatsapp.sent[0].reference) is (operation != "whatsapp_deliveries.add")


async def test_without_a_record_of_the_next_channel_nothing_else_is_sent(
    app: WhatsAppHarness,
) -> None:
    app.whatsapp.result = REJECTED
    app.faults.fail_on("phone_verifications.save", after="whatsapp_deliveries.add")
    with pytest.raises(StorageUnavailable):
        await app.request()
    assert sent(app) == (1, 0)
