"""However many ask or answer at once, over whatever database: what the budgets say, and no more."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.records import Records
from application.sign_in.request_code import CodeSent
from application.sign_in.verify_code import CodeRejected, SignedIn
from application.wiring import Rules
from domain.errors import TooManyAsks, TooManyTries
from domain.phone import PhoneNumber, parse_phone
from domain.sign_in.budgets import SharedLimits
from domain.sign_in.send import SendLimits
from domain.sign_in.window import Window
from tests.unit.application.wiring import House, not_this

HOUR = timedelta(hours=1)
AT_ONCE = 50
NO_REST = SendLimits(cool_down=timedelta(0))


def phone(number: int) -> PhoneNumber:
    return parse_phone(f"+1415555{2000 + number}", None)


def house_over(records: Records, **limits: Window) -> House:
    return House(records=records, rules=Rules(shared_limits=replace(SharedLimits(), **limits)))


async def ask_all(house: House, *asks: tuple[PhoneNumber, str]) -> Counter[str]:
    """Ask so at once; count what came of it."""
    outcomes = await asyncio.gather(
        *(house.ask(number, address) for number, address in asks), return_exceptions=True
    )
    return Counter(_told(outcome) for outcome in outcomes)


def _told(outcome: CodeSent | BaseException) -> str:
    match outcome:
        case CodeSent(sent=True):
            return "sent"
        case CodeSent():
            return "referred"
        case TooManyAsks():
            return "refused"
    raise outcome


@pytest.mark.parametrize("limit", [1, 6])
@pytest.mark.parametrize("budget", ["address", "country", "everybody"])
async def test_of_fifty_asks_as_many_go_out_as_a_shared_budget_has(
    records: Records, budget: str, limit: int
) -> None:
    house = house_over(records, **{budget: Window(limit, HOUR)})

    told = await ask_all(house, *((phone(one), "203.0.113.7") for one in range(AT_ONCE)))

    assert told == {"sent": limit, "refused": AT_ONCE - limit}
    assert len(house.messenger.messages) == limit


async def test_of_fifty_asks_for_one_phone_as_many_go_out_as_it_has(records: Records) -> None:
    house = House(records=records, rules=Rules(send_limits=NO_REST))

    told = await ask_all(house, *((phone(1), f"192.0.2.{one}") for one in range(AT_ONCE)))

    assert told["sent"] == len(house.messenger.messages) == 5


async def test_where_several_budgets_bind_none_is_exceeded(records: Records) -> None:
    house = house_over(
        records, address=Window(4, HOUR), country=Window(9, HOUR), everybody=Window(7, HOUR)
    )

    told = await ask_all(house, *((phone(one), f"192.0.2.{one % 5}") for one in range(AT_ONCE)))

    assert told["sent"] == len(house.messenger.messages)
    assert 0 < told["sent"] <= 7


async def test_fifty_repeats_at_once_send_one_message_and_say_so(records: Records) -> None:
    house = House(records=records)

    told = await ask_all(house, *((phone(1), "203.0.113.7") for _ in range(AT_ONCE)))

    assert told == {"sent": 1, "referred": AT_ONCE - 1}
    assert len(house.messenger.messages) == 1


async def test_what_raced_in_vain_leaves_its_slots_to_others(records: Records) -> None:
    house = house_over(records, address=Window(AT_ONCE, HOUR))

    await ask_all(house, *((phone(1), "203.0.113.7") for _ in range(AT_ONCE)))
    told = await ask_all(house, *((phone(2 + one), "203.0.113.7") for one in range(AT_ONCE)))

    assert told == {"sent": AT_ONCE - 1, "refused": 1}


async def test_an_address_has_so_many_answers_whatever_phones_they_are_for(
    records: Records,
) -> None:
    house = house_over(records, checks=Window(20, HOUR))

    outcomes = await asyncio.gather(
        *(house.answer("000000", phone(one), "203.0.113.7") for one in range(AT_ONCE)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, CodeRejected) for one in outcomes) == 20
    assert sum(isinstance(one, TooManyTries) for one in outcomes) == AT_ONCE - 20


async def test_fifty_right_answers_at_once_make_one_session(records: Records) -> None:
    house = House(records=records)
    sent = await house.ask(phone(1))
    code = house.messenger.messages[0].code

    outcomes = await asyncio.gather(
        *(house.answer(code, phone(1), request_id=sent.request_id) for _ in range(AT_ONCE)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, SignedIn) for one in outcomes) == 1


async def test_a_hundred_guesses_at_once_draw_five_tries(records: Records) -> None:
    house = House(records=records)
    sent = await house.ask(phone(1))
    wrong = not_this(house.messenger.messages[0].code)

    outcomes = await asyncio.gather(
        *(house.answer(wrong, phone(1), request_id=sent.request_id) for _ in range(100)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, CodeRejected) for one in outcomes) == 5
    assert sum(isinstance(one, TooManyTries) for one in outcomes) == 95
