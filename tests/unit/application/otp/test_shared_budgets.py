"""Budgets that many phones share, as one who asks meets them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.otp.verify_otp import LoggedIn
from application.wiring import Policy
from domain.errors import DeliveryFailed, PhoneUnreachable, TooManyAttempts, TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.application.wiring import House

HOUR = timedelta(hours=1)
HERE = "203.0.113.7"


def phone(number: int, country: str = "+1415555") -> PhoneNumber:
    return parse_phone(f"{country}{2000 + number}", None)


def house_with(**limits: SlidingWindow) -> House:
    return House(rules=Policy(rate_limits=replace(RateLimits(), **limits)))


async def fill(house: House, count: int, address: str = HERE) -> None:
    for number in range(count):
        assert (await house.ask(phone(number), address)).sent


async def test_a_spent_address_refuses_with_a_true_time() -> None:
    house = house_with(per_ip=SlidingWindow(2, HOUR))
    await house.ask(phone(1), HERE)
    house.wait(600)
    await house.ask(phone(2), HERE)

    with pytest.raises(TooManyOtpRequests) as refusal:
        await house.ask(phone(3), HERE)

    assert refusal.value.retry_after == 3000
    house.wait(refusal.value.retry_after - 1)
    with pytest.raises(TooManyOtpRequests):
        await house.ask(phone(3), HERE)
    house.wait(1)
    assert (await house.ask(phone(3), HERE)).sent


async def test_it_refuses_nobody_else() -> None:
    house = house_with(per_ip=SlidingWindow(2, HOUR))
    await fill(house, 2)

    assert (await house.ask(phone(3), "203.0.113.8")).sent


async def test_an_address_without_a_slot_does_not_even_start_a_cool_down() -> None:
    house = house_with(per_ip=SlidingWindow(2, HOUR))
    await fill(house, 2)

    for _ in range(20):
        with pytest.raises(TooManyOtpRequests):
            await house.ask(phone(3), HERE)

    assert (await house.ask(phone(3), "203.0.113.8")).sent


async def test_ten_times_as_much_goes_to_a_48_as_to_each_64_in_it() -> None:
    house = house_with(per_ip=SlidingWindow(2, HOUR))
    for number in range(20):
        assert (await house.ask(phone(number), f"2001:db8:0:{number:x}::/64")).sent

    with pytest.raises(TooManyOtpRequests):
        await house.ask(phone(20), "2001:db8:0:ff::/64")
    assert (await house.ask(phone(20), "2001:db8:1::/64")).sent


async def test_a_spent_country_refuses_its_phones_only() -> None:
    house = house_with(per_country=SlidingWindow(2, HOUR))
    await fill(house, 2)

    with pytest.raises(TooManyOtpRequests):
        await house.ask(phone(3), "203.0.113.8")
    assert (await house.ask(parse_phone("+4915123456789", None))).sent


async def test_a_verified_code_gives_its_address_slot_back() -> None:
    house = house_with(per_ip=SlidingWindow(2, HOUR))
    for number in range(10):
        await house.ask(phone(number), HERE)
        answer = await house.answer(house.messenger.messages[-1].code, phone(number), HERE)
        assert isinstance(answer, LoggedIn)


async def test_also_when_it_is_answered_from_elsewhere_by_its_id() -> None:
    house = house_with(per_ip=SlidingWindow(1, HOUR))
    sent = await house.ask(phone(1), HERE)
    code = house.messenger.messages[-1].code
    await house.answer(code, phone(1), "198.51.100.1", request_id=sent.request_id)

    assert (await house.ask(phone(2), HERE)).sent


async def test_what_it_cost_in_the_country_and_in_all_stays_paid() -> None:
    for limits in ({"country": SlidingWindow(1, HOUR)}, {"everybody": SlidingWindow(1, HOUR)}):
        house = house_with(**limits)
        await house.ask(phone(1), HERE)
        await house.answer(house.messenger.messages[-1].code, phone(1), HERE)

        with pytest.raises(TooManyOtpRequests):
            await house.ask(phone(2), HERE)


async def test_a_refused_message_gives_every_slot_back() -> None:
    one = SlidingWindow(1, HOUR)
    house = house_with(per_ip=one, per_country=one, total=one)
    house.messenger.result = REJECTED
    with pytest.raises(DeliveryFailed):
        await house.ask(phone(1), HERE)

    house.messenger.result = ACCEPTED
    assert (await house.ask(phone(2), HERE)).sent


async def test_a_bad_number_costs_the_address_and_nobody_else() -> None:
    one = SlidingWindow(1, HOUR)
    house = house_with(per_ip=one, per_country=one, total=one)
    house.messenger.result = INVALID_NUMBER
    with pytest.raises(PhoneUnreachable):
        await house.ask(phone(1), HERE)

    house.messenger.result = ACCEPTED
    with pytest.raises(TooManyOtpRequests):
        await house.ask(phone(2), HERE)
    assert (await house.ask(phone(2), "203.0.113.8")).sent


async def test_when_nobody_knows_every_slot_is_kept() -> None:
    house = house_with(total=SlidingWindow(1, HOUR))
    house.messenger.result = UNKNOWN
    await house.ask(phone(1), HERE)

    with pytest.raises(TooManyOtpRequests):
        await house.ask(phone(2), "203.0.113.8")


async def test_a_repeat_takes_no_slot() -> None:
    house = house_with(per_ip=SlidingWindow(2, HOUR))
    await house.ask(phone(1), HERE)
    for _ in range(10):
        assert not (await house.ask(phone(1), HERE)).sent

    assert (await house.ask(phone(2), HERE)).sent


async def test_of_two_refusals_the_longer_one_is_told() -> None:
    house = house_with(per_ip=SlidingWindow(1, HOUR))
    await house.ask(phone(1), "203.0.113.8")
    await house.ask(phone(2), HERE)

    with pytest.raises(TooManyOtpRequests) as refusal:
        await house.ask(phone(1), HERE)

    assert refusal.value.retry_after == 3600


async def test_answers_are_limited_for_an_address_whatever_phones_they_are_for() -> None:
    house = house_with(verifications_per_ip=SlidingWindow(3, HOUR))
    for number in range(3):
        await house.answer("000000", phone(number), HERE)
    house.wait(60)

    with pytest.raises(TooManyAttempts) as refusal:
        await house.answer("000000", phone(3), HERE)

    assert refusal.value.retry_after == 3540
    await house.answer("000000", phone(3), "203.0.113.8")


async def test_an_answer_refused_for_its_address_costs_the_phone_nothing() -> None:
    house = house_with(verifications_per_ip=SlidingWindow(1, HOUR))
    sent = await house.ask(phone(1), "198.51.100.1")
    await house.answer("000000", phone(2), HERE)
    for _ in range(9):
        with pytest.raises(TooManyAttempts):
            await house.answer("000000", phone(1), HERE, request_id=sent.request_id)

    code = house.messenger.messages[-1].code
    right = await house.answer(code, phone(1), "198.51.100.1", request_id=sent.request_id)
    assert isinstance(right, LoggedIn)
