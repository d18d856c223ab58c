"""However many ask or answer at once, over whatever database: what the budgets say, and no more."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from application.otp.request_otp import RequestOtpResult
from application.otp.verify_otp import LoggedIn, OtpRejected
from application.ports.repositories import Repositories
from application.wiring import Policy
from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.unit.application.wiring import House, not_this

HOUR = timedelta(hours=1)
AT_ONCE = 50
NO_REST = DeliveryPolicy(cooldown=timedelta(0))


def phone(number: int) -> PhoneNumber:
    return parse_phone(f"+1415555{2000 + number}", None)


def house_over(records: Repositories, **limits: SlidingWindow) -> House:
    return House(records=records, rules=Policy(rate_limits=replace(RateLimits(), **limits)))


async def ask_all(house: House, *asks: tuple[PhoneNumber, str]) -> Counter[str]:
    """Ask so at once; count what came of it."""
    outcomes = await asyncio.gather(
        *(house.ask(number, address) for number, address in asks), return_exceptions=True
    )
    return Counter(_told(outcome) for outcome in outcomes)


def _told(outcome: RequestOtpResult | BaseException) -> str:
    match outcome:
        case RequestOtpResult(sent=True):
            return "sent"
        case RequestOtpResult():
            return "referred"
        case TooManyOtpRequests():
            return "refused"
    raise outcome


@pytest.mark.parametrize("limit", [1, 6])
@pytest.mark.parametrize("budget", ["address", "country", "everybody"])
async def test_of_fifty_asks_as_many_go_out_as_a_shared_budget_has(
    records: Repositories, budget: str, limit: int
) -> None:
    house = house_over(records, **{budget: SlidingWindow(limit, HOUR)})

    told = await ask_all(house, *((phone(one), "203.0.113.7") for one in range(AT_ONCE)))

    assert told == {"sent": limit, "refused": AT_ONCE - limit}
    assert len(house.messenger.messages) == limit


async def test_of_fifty_asks_for_one_phone_as_many_go_out_as_it_has(records: Repositories) -> None:
    house = House(records=records, rules=Policy(delivery_policy=NO_REST))

    told = await ask_all(house, *((phone(1), f"192.0.2.{one}") for one in range(AT_ONCE)))

    assert told["sent"] == len(house.messenger.messages) == 5


async def test_where_several_budgets_bind_none_is_exceeded(records: Repositories) -> None:
    house = house_over(
        records,
        per_ip=SlidingWindow(4, HOUR),
        per_country=SlidingWindow(9, HOUR),
        total=SlidingWindow(7, HOUR),
    )

    told = await ask_all(house, *((phone(one), f"192.0.2.{one % 5}") for one in range(AT_ONCE)))

    assert told["sent"] == len(house.messenger.messages)
    assert 0 < told["sent"] <= 7


async def test_fifty_repeats_at_once_send_one_message_and_say_so(records: Repositories) -> None:
    house = House(records=records)

    told = await ask_all(house, *((phone(1), "203.0.113.7") for _ in range(AT_ONCE)))

    assert told == {"sent": 1, "referred": AT_ONCE - 1}
    assert len(house.messenger.messages) == 1


async def test_what_raced_in_vain_leaves_its_slots_to_others(records: Repositories) -> None:
    house = house_over(records, per_ip=SlidingWindow(AT_ONCE, HOUR))

    await ask_all(house, *((phone(1), "203.0.113.7") for _ in range(AT_ONCE)))
    told = await ask_all(house, *((phone(2 + one), "203.0.113.7") for one in range(AT_ONCE)))

    assert told == {"sent": AT_ONCE - 1, "refused": 1}


async def test_an_address_has_so_many_answers_whatever_phones_they_are_for(
    records: Repositories,
) -> None:
    house = house_over(records, verifications_per_ip=SlidingWindow(20, HOUR))

    outcomes = await asyncio.gather(
        *(house.answer("000000", phone(one), "203.0.113.7") for one in range(AT_ONCE)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, OtpRejected) for one in outcomes) == 20
    assert sum(isinstance(one, TooManyAttempts) for one in outcomes) == AT_ONCE - 20


async def test_fifty_right_answers_at_once_make_one_session(records: Repositories) -> None:
    house = House(records=records)
    sent = await house.ask(phone(1))
    code = house.messenger.messages[0].code

    outcomes = await asyncio.gather(
        *(house.answer(code, phone(1), request_id=sent.request_id) for _ in range(AT_ONCE)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, LoggedIn) for one in outcomes) == 1


async def test_a_hundred_guesses_at_once_draw_five_tries(records: Repositories) -> None:
    house = House(records=records)
    sent = await house.ask(phone(1))
    wrong = not_this(house.messenger.messages[0].code)

    outcomes = await asyncio.gather(
        *(house.answer(wrong, phone(1), request_id=sent.request_id) for _ in range(100)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, OtpRejected) for one in outcomes) == 5
    assert sum(isinstance(one, TooManyAttempts) for one in outcomes) == 95
