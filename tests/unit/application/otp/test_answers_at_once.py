"""However many answer at the same time, one signs in and every try counts."""

import asyncio

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from domain.errors import TooManyAttempts
from tests.support.builders import a_phone
from tests.unit.application.wiring import House, not_this

pytestmark = pytest.mark.exhaustive


@pytest.fixture
def house() -> House:
    return House()


def tally(outcomes: list[LoggedIn | OtpRejected | BaseException]) -> tuple[int, list[int], int]:
    """How many signed in, what those rejected were told, and how many were refused."""
    signed_in = sum(isinstance(one, LoggedIn) for one in outcomes)
    told = sorted((one.attempts_left for one in outcomes if isinstance(one, OtpRejected)), key=int)
    refused = sum(isinstance(one, TooManyAttempts) for one in outcomes)
    assert signed_in + len(told) + refused == len(outcomes)
    return signed_in, told[::-1], refused


async def test_a_code_is_spent_once_however_many_ask_at_the_same_time(house: House) -> None:
    sent = await house.ask()
    code = house.messenger.messages[0].code
    answers = (house.answer(code, request_id=sent.request_id) for _ in range(100))
    signed_in, told, refused = tally(await asyncio.gather(*answers, return_exceptions=True))
    assert (signed_in, told, refused) == (1, [4, 3, 2, 1, 0], 94)
    (identity,) = house.database.identities.values()
    assert len(identity.value.sessions) == 1


async def test_a_code_is_spent_once_by_all_who_name_no_request(house: House) -> None:
    await house.ask()
    code = house.messenger.messages[0].code
    answers = (house.answer(code) for _ in range(100))
    signed_in, told, _ = tally(await asyncio.gather(*answers, return_exceptions=True))
    assert signed_in == 1
    assert len(told) <= 5


async def test_a_code_is_spent_once_from_a_hundred_addresses(house: House) -> None:
    await house.ask()
    code = house.messenger.messages[0].code
    answers = (house.answer(code, address=f"address {number}") for number in range(100))
    signed_in, told, refused = tally(await asyncio.gather(*answers, return_exceptions=True))
    assert signed_in == 1
    assert (len(told), refused) == (14, 85)


async def test_of_a_hundred_wrong_answers_at_once_five_are_counted(house: House) -> None:
    sent = await house.ask()
    code = house.messenger.messages[0].code
    answers = (house.answer(not_this(code), request_id=sent.request_id) for _ in range(100))
    outcome = tally(await asyncio.gather(*answers, return_exceptions=True))
    assert outcome == (0, [4, 3, 2, 1, 0], 95)
    with pytest.raises(TooManyAttempts):
        await house.answer(code, request_id=sent.request_id)


async def test_of_a_hundred_strangers_at_once_fifteen_are_counted(house: House) -> None:
    await house.ask()
    code = house.messenger.messages[0].code
    answers = (house.answer(not_this(code), address=f"address {n}") for n in range(100))
    signed_in, told, refused = tally(await asyncio.gather(*answers, return_exceptions=True))
    assert (signed_in, len(told), refused) == (0, 15, 85)


async def test_two_codes_at_once_sign_one_identity_in_twice(house: House) -> None:
    first = await house.ask()
    house.wait(250)
    second = await house.ask()
    one, other = (message.code for message in house.messenger.messages)
    outcomes = await asyncio.gather(
        house.answer(one, request_id=first.request_id),
        house.answer(other, request_id=second.request_id),
    )
    assert all(isinstance(outcome, LoggedIn) for outcome in outcomes)
    (identity,) = house.database.identities.values()
    assert len(identity.value.sessions) == 2


async def test_many_phones_at_once_are_many_identities(house: House) -> None:
    phones = [a_phone(number) for number in range(50)]
    await asyncio.gather(*(house.ask(phone) for phone in phones))
    codes = {message.phone: message.code for message in house.messenger.messages}
    outcomes = await asyncio.gather(*(house.answer(codes[phone], phone) for phone in phones))
    assert all(isinstance(outcome, LoggedIn) for outcome in outcomes)
    assert len(house.database.identities) == 50


async def test_a_right_answer_while_the_identity_is_being_deleted_still_signs_in(
    house: House,
) -> None:
    before = await house.user()
    house.wait(3600)
    await house.ask()
    code = house.messenger.messages[-1].code
    signed_in, _ = await asyncio.gather(house.answer(code), house.use_cases.delete_user(before))
    assert isinstance(signed_in, LoggedIn)
    after = house.database.phone_verifications[a_phone()].value.identity_id
    assert after is not None
