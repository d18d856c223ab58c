"""What operators are told when somebody answers with a code."""

from datetime import timedelta
from typing import Final

import pytest

from application.otp.verify_otp import LoggedIn
from application.ports.security_events import Fact, SecurityEvent
from application.wiring import Policy
from domain.errors import TooManyAttempts, Unavailable
from domain.otp.challenge import OtpCode
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import ADDRESS, a_phone
from tests.unit.application.wiring import House, not_this

TEST_NUMBER: Final = TestOtps((TestOtp(a_phone(), OtpCode("123456")),))


@pytest.fixture
def house() -> House:
    return House()


async def code_of(house: House) -> str:
    """A code; what its ask told is forgotten."""
    await house.ask()
    house.events.told.clear()
    return house.messenger.messages[-1].code


def told(
    fact: Fact,
    identity_id: str | None = None,
    reason: str | None = None,
    attempts_left: int | None = None,
) -> SecurityEvent:
    return SecurityEvent(
        fact=fact,
        phone=a_phone(),
        address=ADDRESS,
        identity_id=identity_id,
        reason=reason,
        attempts_left=attempts_left,
    )


async def test_a_code_was_right_and_is_spent(house: House) -> None:
    await house.answer(await code_of(house))
    (identity_id,) = house.database.identities
    assert house.events.told == [told(Fact.CODE_VERIFIED, identity_id)]


async def test_each_wrong_answer_and_then_that_no_more_are_taken(house: House) -> None:
    code = await code_of(house)
    for _ in range(5):
        await house.answer(not_this(code))
    with pytest.raises(TooManyAttempts):
        await house.answer(code)
    counted = [told(Fact.TRY_COUNTED, attempts_left=left) for left in (4, 3, 2, 1, 0)]
    assert house.events.told == [*counted, told(Fact.TRIES_SPENT, reason="for this phone")]


async def test_a_used_code_is_one_try_more(house: House) -> None:
    code = await code_of(house)
    await house.answer(code)
    await house.answer(code)
    assert house.events.facts == [Fact.CODE_VERIFIED, Fact.TRY_COUNTED]


async def test_a_blocked_phones_right_code_is_one_try_more(house: House) -> None:
    code = await code_of(house)
    await house.use_cases.block_phone(a_phone())
    house.events.told.clear()
    await house.answer(code)
    assert house.events.told == [told(Fact.TRY_COUNTED, attempts_left=4)]


async def test_an_address_that_has_tried_too_much() -> None:
    limits = RateLimits(verifications_per_ip=SlidingWindow(1, timedelta(hours=1)))
    house = House(rules=Policy(rate_limits=limits))
    code = await code_of(house)
    await house.answer(not_this(code))
    house.events.told.clear()
    with pytest.raises(TooManyAttempts):
        await house.answer(code)
    assert house.events.told == [told(Fact.TRIES_SPENT, reason="of this address, for all phones")]


async def test_a_test_number_signed_in() -> None:
    house = House(rules=Policy(test_otps=TEST_NUMBER))
    await house.ask()
    house.events.told.clear()
    assert isinstance(await house.answer("123456"), LoggedIn)
    (identity_id,) = house.database.identities
    assert house.events.told == [
        told(Fact.CODE_VERIFIED, identity_id),
        told(Fact.TEST_NUMBER_USED, identity_id, "signed in"),
    ]


async def test_what_failed_for_want_of_the_database_is_not_told_as_something_else(
    house: House,
) -> None:
    code = await code_of(house)
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.answer(code)
    assert house.events.told == []
