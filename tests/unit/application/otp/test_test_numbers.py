"""Test numbers: a fixed code that no message brings, until their last day."""

from datetime import timedelta
from typing import Final

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from application.ports.security_events import SecurityEventType
from application.wiring import Policy
from domain.errors import CountryNotServed, TooManyAttempts, TooManyOtpRequests
from domain.otp.challenge import OtpCode
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.fakes.messenger import REJECTED
from tests.unit.application.wiring import House, not_this

REVIEWER: Final = a_phone(1)
CODE: Final = "123456"
DAYS: Final = 10
FIXED: Final = TestOtps((TestOtp(REVIEWER, OtpCode(CODE), NOW + timedelta(days=DAYS)),))
ELSEWHERE: Final = "198.51.100.20"
A_DAYS_ASKS: Final = 200


@pytest.fixture
def house() -> House:
    return House(rules=Policy(test_otps=FIXED))


def uses(house: House) -> int:
    return house.events.types.count(SecurityEventType.TEST_OTP_USED)


async def test_its_code_signs_in_and_nothing_was_sent(house: House) -> None:
    asked = await house.ask(REVIEWER)
    signed_in = await house.answer(CODE, REVIEWER, request_id=asked.request_id)

    assert isinstance(signed_in, LoggedIn)
    principal = await house.use_cases.authenticate(signed_in.tokens.access_token)
    assert principal.identity.phone == REVIEWER
    assert house.messenger.messages == []


async def test_it_is_asked_for_again_at_once_from_anywhere(house: House) -> None:
    asked = [await house.ask(REVIEWER, address) for address in (CLIENT_IP, CLIENT_IP, ELSEWHERE)]

    assert [one.sent for one in asked] == [True, True, True]
    assert len({one.request_id for one in asked}) == 3


async def test_each_of_its_requests_takes_the_code_though_it_was_used_before(house: House) -> None:
    for _ in range(3):
        asked = await house.ask(REVIEWER)
        signed_in = await house.answer(CODE, REVIEWER, request_id=asked.request_id)
        assert isinstance(signed_in, LoggedIn)


async def test_its_code_works_once_for_each_ask_and_never_without_one(house: House) -> None:
    assert isinstance(await house.answer(CODE, REVIEWER), OtpRejected)
    await house.ask(REVIEWER)
    assert isinstance(await house.answer(CODE, REVIEWER), LoggedIn)
    assert isinstance(await house.answer(CODE, REVIEWER), OtpRejected)


async def test_its_code_is_late_after_five_minutes(house: House) -> None:
    await house.ask(REVIEWER)
    house.wait(300)
    assert isinstance(await house.answer(CODE, REVIEWER), OtpRejected)


async def test_no_other_phone_takes_it(house: House) -> None:
    await house.ask(a_phone(2))
    sent = house.messenger.messages[0].code
    assert sent != CODE
    assert isinstance(await house.answer(CODE, a_phone(2)), OtpRejected)


async def test_wrong_codes_are_counted_and_five_are_the_most(house: House) -> None:
    asked = await house.ask(REVIEWER)
    for left in (4, 3, 2, 1, 0):
        rejected = await house.answer(not_this(CODE), REVIEWER, request_id=asked.request_id)
        assert rejected == OtpRejected(left)
    with pytest.raises(TooManyAttempts):
        await house.answer(CODE, REVIEWER, request_id=asked.request_id)


async def test_a_days_asks_are_bounded(house: House) -> None:
    for number in range(A_DAYS_ASKS):
        await house.ask(REVIEWER, f"203.0.113.{number % 10}")
    with pytest.raises(TooManyOtpRequests) as refusal:
        await house.ask(REVIEWER, ELSEWHERE)
    house.wait(refusal.value.retry_after)
    await house.ask(REVIEWER, ELSEWHERE)


async def test_its_asks_draw_on_the_address_and_on_no_budget_of_messages() -> None:
    one_an_hour = SlidingWindow(1, timedelta(hours=1))
    limits = RateLimits(
        per_ip=SlidingWindow(3, timedelta(hours=1)), per_country=one_an_hour, total=one_an_hour
    )
    house = House(rules=Policy(test_otps=FIXED, rate_limits=limits))
    for _ in range(3):
        await house.ask(REVIEWER)
    with pytest.raises(TooManyOtpRequests):
        await house.ask(REVIEWER)
    await house.ask(a_phone(2), ELSEWHERE)
    assert len(house.messenger.messages) == 1


async def test_countries_do_not_matter_for_it_nor_does_a_sender_that_is_down() -> None:
    house = House(rules=Policy(test_otps=FIXED, countries={"IN"}))
    house.messenger.result = REJECTED
    await house.ask(REVIEWER)
    assert isinstance(await house.answer(CODE, REVIEWER), LoggedIn)
    with pytest.raises(CountryNotServed):
        await house.ask(a_phone(2))


async def test_from_its_end_on_it_is_an_ordinary_phone(house: House) -> None:
    house.wait(days=DAYS)
    await house.ask(REVIEWER)
    (message,) = house.messenger.messages
    assert (await house.ask(REVIEWER)).sent is False
    assert isinstance(await house.answer(CODE, REVIEWER), OtpRejected)
    assert isinstance(await house.answer(message.code, REVIEWER), LoggedIn)
    assert uses(house) == 0


async def test_what_was_asked_for_before_its_end_brings_nobody_in_after_it(house: House) -> None:
    house.wait(days=DAYS, seconds=-1)
    await house.ask(REVIEWER)
    house.wait(1)
    assert isinstance(await house.answer(CODE, REVIEWER), OtpRejected)


async def test_blocked_it_is_answered_like_any_blocked_phone(house: House) -> None:
    await house.use_cases.block_phone(REVIEWER)
    asked = await house.ask(REVIEWER)
    assert asked.sent
    assert await house.answer(CODE, REVIEWER, request_id=asked.request_id) == OtpRejected(4)
    assert house.database.identities == {}
    await house.use_cases.unblock_phone(REVIEWER)
    assert isinstance(await house.answer(CODE, REVIEWER), LoggedIn)


async def test_each_use_is_told(house: House) -> None:
    await house.ask(REVIEWER)
    assert uses(house) == 1
    await house.answer(not_this(CODE), REVIEWER)
    assert uses(house) == 1
    await house.answer(CODE, REVIEWER)
    assert uses(house) == 2
    await house.sign_in(a_phone(2))
    assert uses(house) == 2
