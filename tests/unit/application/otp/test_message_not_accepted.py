"""A message is accepted, refused, nobody knows, or the number is bad."""

import pytest

from application.otp.verify_otp import LoggedIn
from application.ports.messenger import DeliveryResult, DeliveryStatus
from domain.errors import DeliveryFailed, PhoneUnreachable, TooManyOtpRequests
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN, FakeMessenger
from tests.unit.application.breaking import BreakingDatabase
from tests.unit.application.wiring import House


async def test_a_refused_message_is_told_with_its_reason() -> None:
    house = House(messenger=FakeMessenger(REJECTED))
    with pytest.raises(DeliveryFailed) as refusal:
        await house.ask()
    assert refusal.value.message == REJECTED.reason


async def test_a_refused_message_gives_the_slot_back() -> None:
    house = House(messenger=FakeMessenger(REJECTED))
    for _ in range(30):
        with pytest.raises(DeliveryFailed):
            await house.ask()
    house.messenger.result = ACCEPTED
    for number in range(3):
        house.wait(15)
        assert (await house.ask()).sent, number


async def test_a_bad_number_is_told_as_such_in_the_senders_words() -> None:
    house = House(messenger=FakeMessenger(INVALID_NUMBER))
    with pytest.raises(PhoneUnreachable) as refusal:
        await house.ask()
    assert refusal.value.message == INVALID_NUMBER.reason


async def test_a_bad_number_without_a_reason_has_no_message() -> None:
    house = House(messenger=FakeMessenger(DeliveryResult(DeliveryStatus.INVALID_NUMBER)))
    with pytest.raises(PhoneUnreachable) as refusal:
        await house.ask()
    assert not refusal.value.message


async def test_a_bad_number_gives_the_phones_slot_back() -> None:
    house = House(messenger=FakeMessenger(INVALID_NUMBER))
    with pytest.raises(PhoneUnreachable):
        await house.ask()
    house.messenger.result = ACCEPTED
    assert (await house.ask()).sent


async def test_when_nobody_knows_it_counts_as_sent() -> None:
    house = House(messenger=FakeMessenger(UNKNOWN))
    assert (await house.ask()).sent
    assert not (await house.ask()).sent
    assert len(house.messenger.messages) == 1


async def test_when_nobody_knows_the_slot_is_kept() -> None:
    house = House(messenger=FakeMessenger(UNKNOWN))
    for _ in range(3):
        await house.ask()
        house.wait(15)
    with pytest.raises(TooManyOtpRequests):
        await house.ask()


async def test_when_nobody_knows_the_code_may_have_arrived_and_is_good() -> None:
    house = House(messenger=FakeMessenger(UNKNOWN))
    await house.ask()
    assert isinstance(await house.answer(house.messenger.messages[0].code), LoggedIn)


async def test_the_code_of_a_refused_message_is_worth_nothing() -> None:
    house = House(messenger=FakeMessenger(REJECTED))
    with pytest.raises(DeliveryFailed):
        await house.ask()
    record = house.database.phone_verifications[a_phone()].value
    assert record.active_challenges(house.clock.now()) == ()


async def test_a_refused_resend_leaves_the_code_that_arrived() -> None:
    house = House()
    first = await house.ask()
    house.messenger.result = REJECTED
    house.wait(15)
    with pytest.raises(DeliveryFailed):
        await house.ask()
    code = house.messenger.messages[0].code
    assert isinstance(await house.answer(code, request_id=first.request_id), LoggedIn)


async def test_the_caller_learns_of_the_refusal_even_if_the_slot_cannot_be_given_back() -> None:
    database = BreakingDatabase()
    house = House(database=database, messenger=FakeMessenger(REJECTED))
    database.steps.fails_at = 4
    with pytest.raises(DeliveryFailed):
        await house.ask()
    assert database.steps.failed
