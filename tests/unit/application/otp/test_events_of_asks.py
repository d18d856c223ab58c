"""What operators are told when somebody asks for a code."""

from typing import Final

import pytest

from application.ports.messenger import DeliveryResult
from application.ports.security_events import Fact, SecurityEvent
from application.wiring import Policy
from domain.errors import CountryNotServed, DomainError, TooManyOtpRequests, Unavailable
from domain.otp.challenge import OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import ADDRESS, a_phone
from tests.support.fakes.messenger import INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.application.wiring import House

ELSEWHERE: Final = "198.51.100.20"
TEST_NUMBER: Final = TestOtps((TestOtp(a_phone(), OtpCode("123456")),))


@pytest.fixture
def house() -> House:
    return House()


def told(fact: Fact, reason: str | None = None, address: str = ADDRESS) -> SecurityEvent:
    return SecurityEvent(fact=fact, phone=a_phone(), address=address, reason=reason)


async def test_a_code_was_asked_for_and_sent(house: House) -> None:
    await house.ask()
    assert house.events.told == [told(Fact.CODE_ASKED), told(Fact.CODE_SENT)]


async def test_nobody_knows_whether_it_was_sent(house: House) -> None:
    house.messenger.result = UNKNOWN
    await house.ask()
    assert house.events.told == [told(Fact.CODE_ASKED), told(Fact.CODE_SENT, UNKNOWN.reason)]


async def test_within_the_cool_down_nothing_was_sent(house: House) -> None:
    await house.ask()
    house.events.told.clear()
    await house.ask()
    assert house.events.told == [told(Fact.CODE_ASKED, "within the cool-down")]


async def test_it_was_asked_for_too_often(house: House) -> None:
    await house.ask()
    house.events.told.clear()
    with pytest.raises(TooManyOtpRequests):
        await house.ask(address=ELSEWHERE)
    assert house.events.told == [told(Fact.CODE_REFUSED, "asked too often", ELSEWHERE)]


async def test_the_country_is_not_served() -> None:
    house = House(rules=Policy(countries={"IN"}))
    with pytest.raises(CountryNotServed):
        await house.ask()
    assert house.events.told == [told(Fact.CODE_REFUSED, "the country is not served")]


@pytest.mark.parametrize("result", [REJECTED, INVALID_NUMBER])
async def test_no_sender_would_have_it(house: House, result: DeliveryResult) -> None:
    house.messenger.result = result
    with pytest.raises(DomainError):
        await house.ask()
    assert house.events.told == [
        told(Fact.CODE_ASKED),
        told(Fact.CODE_REFUSED, result.reason),
    ]


async def test_what_was_withheld_from_a_blocked_phone_was_not_sent(house: House) -> None:
    await house.use_cases.block_phone(a_phone())
    house.events.told.clear()
    await house.ask()
    assert house.events.told == [told(Fact.CODE_ASKED), told(Fact.CODE_WITHHELD)]


async def test_a_test_number_was_used() -> None:
    house = House(rules=Policy(test_otps=TEST_NUMBER))
    await house.ask()
    assert house.events.told == [told(Fact.CODE_ASKED), told(Fact.TEST_NUMBER_USED, "asked")]


async def test_what_failed_for_want_of_the_database_is_not_told_as_something_else(
    house: House,
) -> None:
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.ask()
    assert house.events.told == []
