"""Requesting a code."""

import re

import pytest

from application.otp.codes import OtpCodes
from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn
from application.ports.errors import StorageUnavailable
from application.ports.messenger import DeliveryResult, DeliveryStatus
from application.wiring import Policy
from domain.errors import (
    CountryNotServed,
    DeliveryFailed,
    PhoneUnreachable,
    TooManyOtpRequests,
    Unavailable,
)
from domain.otp.request_id import parse_request_id
from domain.otp.templates.preferences import MessagePreferences, Platform
from domain.otp.test_otps import TestOtps
from domain.phone import parse_phone
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_challenge, a_phone
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN, FakeMessenger
from tests.support.fakes.otp_keys import FakeOtpKeys

OTHER_IP = "198.51.100.20"


async def test_a_message_with_the_code_is_sent_to_the_phone(app: AppHarness) -> None:
    result = await app.request_otp(a_phone(7))
    assert result.sent
    (message,) = app.messenger.messages
    assert message.phone == a_phone(7)
    assert re.fullmatch(r"\d{6}", message.code)


async def test_the_message_fits_country_platform_and_locale(
    app: AppHarness,
) -> None:
    preferences = MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu")
    await app.use_cases.request_otp(
        RequestOtpCommand(parse_phone("+919876543210"), CLIENT_IP, preferences)
    )
    (message,) = app.messenger.messages
    assert message.text == f"{message.code} IN android pt-BR FA+9qCX9VSu 0:05:00"


async def test_a_resend_in_another_locale_has_the_same_code_and_the_time_left(
    app: AppHarness,
) -> None:
    await app.request_otp()
    app.advance(100)
    await app.use_cases.request_otp(
        RequestOtpCommand(a_phone(), CLIENT_IP, MessagePreferences(Platform.WEB, "de"))
    )
    first, second = app.messenger.messages
    assert second.text == f"{first.code} US web de None 0:03:20"


async def test_the_result_has_the_times_of_expiry_and_next_request(
    app: AppHarness,
) -> None:
    result = await app.request_otp()
    assert (result.expires_in, result.resend_in) == (300, 15)


async def test_a_request_id_has_128_random_bits(app: AppHarness) -> None:
    ids = set()
    for number in range(20):
        result = await app.request_otp(a_phone(number))
        assert re.fullmatch(r"[0-9a-f]{64}", result.request_id)
        ids.add(parse_request_id(result.request_id))
    assert len(ids) == 20


async def test_a_request_within_the_cooldown_refers_to_the_delivery(app: AppHarness) -> None:
    first = await app.request_otp()
    app.advance(6)
    again = await app.request_otp()
    assert not again.sent
    assert again.request_id != first.request_id
    assert (again.expires_in, again.resend_in) == (294, 9)
    assert len(app.messenger.messages) == 1


async def test_the_fourth_request_within_the_cooldown_is_rejected(app: AppHarness) -> None:
    await app.request_otp(client_ip=CLIENT_IP)
    app.advance(6)
    for _ in range(3):
        assert not (await app.request_otp(client_ip=OTHER_IP)).sent
    before = dict(app.database.phone_verifications)
    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(client_ip=OTHER_IP)
    assert error.value.retry_after == 9
    assert app.database.phone_verifications == before


async def test_a_resend_has_the_same_code_and_another_request_id(app: AppHarness) -> None:
    first = await app.request_otp()
    app.advance(100)
    again = await app.request_otp()
    assert again.sent
    assert again.request_id != first.request_id
    assert again.expires_in == 200
    first_message, second_message = app.messenger.messages
    assert first_message.code == second_message.code


async def test_each_phone_has_its_own_codes_and_limits(app: AppHarness) -> None:
    for number in range(10):
        assert (await app.request_otp(a_phone(number))).sent
    assert len({message.code for message in app.messenger.messages}) > 5


async def test_codes_are_sent_to_served_countries_only() -> None:
    app = AppHarness(policy=Policy(countries={"IN"}))
    assert (await app.request_otp(parse_phone("+919876543210"))).sent
    with pytest.raises(CountryNotServed):
        await app.request_otp(parse_phone("+14155552671"))
    assert len(app.messenger.messages) == 1


async def test_a_country_that_is_not_served_changes_nothing() -> None:
    app = AppHarness(policy=Policy(countries=set()))
    with pytest.raises(CountryNotServed):
        await app.request_otp()
    assert app.database.phone_verifications == {}


async def test_no_message_is_sent_without_database(app: AppHarness) -> None:
    app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await app.request_otp()
    assert app.messenger.messages == []


async def test_a_resend_after_a_key_rotation_has_the_same_code(app: AppHarness) -> None:
    await app.request_otp()
    app.otp_keys.keys = {"second": bytes(range(32)), **app.otp_keys.keys}
    app.advance(15)
    await app.request_otp()
    first, second = app.messenger.messages
    assert first.code == second.code
    app.advance(300)
    await app.request_otp()
    verification = app.database.phone_verifications[a_phone()].value
    assert verification.challenges[-1].key_id == "second"


async def test_a_challenge_without_its_key_is_replaced(app: AppHarness) -> None:
    await app.request_otp()
    app.otp_keys.keys = {"second": bytes(range(32))}
    app.advance(15)
    assert (await app.request_otp()).sent
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


def test_the_code_of_a_challenge_without_its_key_is_unavailable() -> None:
    codes = OtpCodes(FakeOtpKeys({"second": bytes(32)}), TestOtps())
    with pytest.raises(Unavailable):
        codes.derive(a_challenge(key_id="first"), a_phone())


# Results of the provider


async def test_a_rejected_message_is_an_error_with_the_reason() -> None:
    app = AppHarness(messenger=FakeMessenger(REJECTED))
    with pytest.raises(DeliveryFailed) as error:
        await app.request_otp()
    assert error.value.message == REJECTED.reason


async def test_a_rejected_message_counts_on_no_limit_of_the_phone() -> None:
    app = AppHarness(messenger=FakeMessenger(REJECTED))
    for _ in range(30):
        with pytest.raises(DeliveryFailed):
            await app.request_otp()
    app.messenger.result = ACCEPTED
    for number in range(3):
        app.advance(15)
        assert (await app.request_otp()).sent, number


async def test_an_invalid_number_is_an_error_with_the_providers_reason() -> None:
    app = AppHarness(messenger=FakeMessenger(INVALID_NUMBER))
    with pytest.raises(PhoneUnreachable) as error:
        await app.request_otp()
    assert error.value.message == INVALID_NUMBER.reason


async def test_an_invalid_number_without_reason_has_no_message() -> None:
    app = AppHarness(messenger=FakeMessenger(DeliveryResult(DeliveryStatus.INVALID_NUMBER)))
    with pytest.raises(PhoneUnreachable) as error:
        await app.request_otp()
    assert not error.value.message


async def test_an_invalid_number_counts_on_no_limit_of_the_phone() -> None:
    app = AppHarness(messenger=FakeMessenger(INVALID_NUMBER))
    with pytest.raises(PhoneUnreachable):
        await app.request_otp()
    app.messenger.result = ACCEPTED
    assert (await app.request_otp()).sent


async def test_an_unknown_result_counts_as_sent() -> None:
    app = AppHarness(messenger=FakeMessenger(UNKNOWN))
    assert (await app.request_otp()).sent
    assert not (await app.request_otp()).sent
    assert len(app.messenger.messages) == 1


async def test_an_unknown_result_counts_on_the_limit_of_the_phone() -> None:
    app = AppHarness(messenger=FakeMessenger(UNKNOWN))
    for _ in range(5):
        await app.request_otp()
        app.advance(60)
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp()


async def test_the_code_of_an_unknown_result_is_valid() -> None:
    app = AppHarness(messenger=FakeMessenger(UNKNOWN))
    await app.request_otp()
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


async def test_the_code_of_a_rejected_message_is_invalid() -> None:
    app = AppHarness(messenger=FakeMessenger(REJECTED))
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    verification = app.database.phone_verifications[a_phone()].value
    assert verification.active_challenges(app.clock.now()) == ()


async def test_a_rejected_resend_keeps_the_delivered_code_valid() -> None:
    app = AppHarness()
    first = await app.request_otp()
    app.messenger.result = REJECTED
    app.advance(15)
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    code = app.messenger.messages[0].code
    assert isinstance(await app.verify_otp(code, request_id=first.request_id), LoggedIn)


@pytest.mark.parametrize("step", range(5, 8))
async def test_a_rejected_message_is_reported_if_the_limits_cannot_be_released(step: int) -> None:
    app = AppHarness(messenger=FakeMessenger(REJECTED))
    app.faults.fail_at(step)
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    assert app.faults.has_fired
