"""Requesting a code."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from application.otp.events import OtpRequestRejected
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.otp import DeliveryResult, PausedProvider
from domain.errors import CountryNotServed, DeliveryFailed, PhoneUnreachable, TooManyOtpRequests
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences, Platform
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import parse_phone
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN, FakeMessenger

INDIAN_PHONE = parse_phone("+919876543210")


async def test_the_message_fits_country_platform_and_locale(app: CoreHarness) -> None:
    preferences = MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu")
    await app.request_otp(INDIAN_PHONE, preferences=preferences)
    app.advance(100)
    # A resend in another locale has the same code and the time left.
    await app.request_otp(INDIAN_PHONE, preferences=MessagePreferences(Platform.WEB, "de"))
    first, second = app.messenger.messages
    assert first.code not in repr(app.messenger.sent)
    assert first.phone == INDIAN_PHONE
    assert first.text == f"{first.code} IN android pt-BR FA+9qCX9VSu 0:05:00"
    assert second.text == f"{first.code} IN web de None 0:03:20"


async def test_codes_are_sent_to_served_countries_only() -> None:
    app = CoreHarness(policy=make_core_policy(countries={"IN"}))
    assert (await app.request_otp(INDIAN_PHONE)).sent
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone())
    assert len(app.messenger.messages) == len(app.database.phone_verifications) == 1
    assert app.events.recorded[-1] == OtpRequestRejected(
        phone=a_phone(),
        reason="the country is not served",
        limit="country_not_served",
        channel=Channel.SMS,
    )


@pytest.mark.parametrize("purpose", Purpose)
async def test_a_blocked_number_without_an_account_gets_no_messages(
    app: CoreHarness, purpose: Purpose
) -> None:
    await app.identities.operator_actions.block(a_phone())
    with pytest.raises(CountryNotServed):
        await app.request_otp(purpose=purpose)
    assert (app.messenger.messages, app.database.permits) == ([], {})
    await app.identities.operator_actions.unblock(a_phone())
    assert (await app.request_otp(purpose=purpose)).sent


async def test_a_number_that_is_blocked_during_its_request_gets_no_message(
    app: CoreHarness,
) -> None:
    block = partial(app.identities.operator_actions.block, a_phone())
    app.faults.run_before("phone_verifications.save", block)
    with pytest.raises(CountryNotServed):
        await app.request_otp()
    assert app.faults.has_fired
    assert (app.messenger.messages, app.database.permits) == ([], {})


async def test_network_and_pause_come_before_the_limits_of_the_phone(app: CoreHarness) -> None:
    for _ in range(5):
        app.advance(60)
        assert (await app.request_otp()).sent
    app.advance(60)
    until = app.clock.now() + timedelta(hours=1)
    limiter, find_no_block = (
        app.limits.delivery_limiter,
        app.limits.delivery_limiter.find_network_block,
    )
    app.messenger.pause = PausedProvider("acme", "No answer.", until)
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    limiter.find_network_block = lambda _client_ip, _now: until
    for limit in ("block_network", "per_phone_and_network"):
        with pytest.raises(TooManyOtpRequests) as error:
            await app.request_otp()
        assert error.value.limit == limit
        app.messenger.pause, limiter.find_network_block = None, find_no_block


# Results of the provider


@pytest.mark.parametrize(
    ("result", "error_type"), [(REJECTED, DeliveryFailed), (INVALID_NUMBER, PhoneUnreachable)]
)
async def test_a_message_that_is_not_sent_starts_a_cooldown(
    result: DeliveryResult, error_type: type[DeliveryFailed | PhoneUnreachable]
) -> None:
    app = CoreHarness(messenger=FakeMessenger(result))
    with pytest.raises(error_type) as error:
        await app.request_otp()
    assert error.value.message == result.reason
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp()
    app.advance(15)
    app.messenger.result = ACCEPTED
    assert (await app.request_otp()).sent


async def test_an_unknown_result_counts_as_sent_and_its_code_is_valid() -> None:
    app = CoreHarness(messenger=FakeMessenger(UNKNOWN))
    assert [(await app.request_otp()).sent for _ in range(2)] == [True, False]
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


@pytest.mark.parametrize(
    "operation",
    ["phone_verifications.load", "limit_store.acquire"],
)
async def test_of_two_requests_for_the_last_permit_the_other_refers_to_its_delivery(
    operation: str,
) -> None:
    limits = RateLimits(per_ip=SlidingWindow(1, timedelta(hours=1)))
    app = CoreHarness(policy=make_core_policy(rate_limits=limits))
    app.faults.run_before(operation, app.request_otp)
    result = await app.request_otp()
    assert app.faults.has_fired
    assert len(app.messenger.messages) == 1
    assert isinstance(await app.verify_otp(app.last_code, request_id=result.request_id), LoggedIn)


async def test_the_cooldown_starts_when_the_request_arrives(app: CoreHarness) -> None:
    app.messenger.gate = asyncio.Event()
    first = asyncio.create_task(app.request_otp())
    await app.messenger.arrived.wait()
    app.advance(10)
    again = await app.request_otp()
    app.messenger.gate.set()
    result = await first
    assert (again.sent, again.request_id != result.request_id) == (False, True)
    assert (result.resend_in, result.expires_in) == (5, 290)
    app.advance(5)
    assert (await app.request_otp()).sent


# Test phones


REVIEWER: Final = a_phone(1)
CODE: Final = "123456"
VALID_DAYS: Final = 10
TEST_OTPS: Final = TestOtps((TestOtp(REVIEWER, OtpCode(CODE), NOW + timedelta(days=VALID_DAYS)),))
OTHER_IP: Final = "198.51.100.20"


async def test_a_test_otp_can_be_used_once_for_each_request_without_cooldown() -> None:
    app = CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS))
    for client_ip in (CLIENT_IP, OTHER_IP):
        assert isinstance(await app.verify_otp(CODE, REVIEWER), OtpRejected)
        requests = [await app.request_otp(REVIEWER, client_ip) for _ in range(2)]
        assert all(request.sent for request in requests)
        logged_in = await app.verify_otp(CODE, REVIEWER, request_id=requests[-1].request_id)
        assert isinstance(logged_in, LoggedIn)


async def test_requests_of_a_test_phone_count_for_the_ip_only() -> None:
    one_per_hour = SlidingWindow(1, timedelta(hours=1))
    limits = RateLimits(
        per_ip=SlidingWindow(3, timedelta(hours=1)), per_country=one_per_hour, total=one_per_hour
    )
    app = CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS, rate_limits=limits))
    for _ in range(3):
        await app.request_otp(REVIEWER)
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(REVIEWER)
    await app.request_otp(a_phone(2), OTHER_IP)
    assert len(app.messenger.messages) == 1


async def test_a_test_phone_needs_neither_served_country_nor_provider() -> None:
    app = CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS, countries={"IN"}))
    app.messenger.result = REJECTED
    await app.request_otp(REVIEWER)
    assert isinstance(await app.verify_otp(CODE, REVIEWER), LoggedIn)
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone(2))
