"""An operator blocks a phone, and unblocks it."""

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from application.ports.errors import StorageUnavailable
from domain.errors import DeliveryFailed, TooManyOtpRequests, Unauthenticated
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, REJECTED
from tests.unit.application.wiring import House, not_this


@pytest.fixture
def house() -> House:
    return House()


async def test_every_token_of_it_stops_at_once_and_for_good(house: House) -> None:
    tokens = [await house.token(), await house.token()]
    await house.use_cases.block_phone(a_phone())
    for is_blocked in (True, False):
        for token in tokens:
            with pytest.raises(Unauthenticated):
                await house.use_cases.authenticate(token)
        if is_blocked:
            await house.use_cases.unblock_phone(a_phone())


async def test_asks_are_answered_as_ever_and_nothing_is_sent(house: House) -> None:
    await house.use_cases.block_phone(a_phone(1))
    told = [await house.ask(a_phone(number)) for number in (1, 2)]
    blocked, usual = ((one.sent, one.expires_in, one.resend_in) for one in told)
    assert blocked == usual == (True, 300, 15)
    assert [message.phone for message in house.messenger.messages] == [a_phone(2)]
    for number in (1, 2):
        with pytest.raises(TooManyOtpRequests):
            await house.ask(a_phone(number), "198.51.100.20")


async def test_no_sender_is_asked_and_what_it_refuses_others_is_refused_here(house: House) -> None:
    house.messenger.result = REJECTED
    await house.use_cases.block_phone(a_phone(1))
    # Twice, since what no sender had costs neither of them anything.
    for _ in range(2):
        reasons = []
        for number in (2, 1):
            with pytest.raises(DeliveryFailed) as refusal:
                await house.ask(a_phone(number))
            reasons.append(str(refusal.value))
        assert reasons[0] == reasons[1]
    house.messenger.result = ACCEPTED
    assert [(await house.ask(a_phone(number))).sent for number in (2, 1)] == [True, True]
    assert {message.phone for message in house.messenger.messages} == {a_phone(2)}


async def test_a_right_code_is_answered_like_a_wrong_one(house: House) -> None:
    await house.ask()
    code = house.messenger.messages[0].code
    await house.use_cases.block_phone(a_phone())
    assert await house.answer(code) == OtpRejected(4)
    assert await house.answer(not_this(code)) == OtpRejected(3)
    assert house.database.identities == {}


async def test_unblocked_the_code_signs_in(house: House) -> None:
    await house.ask()
    await house.use_cases.block_phone(a_phone())
    await house.answer(house.messenger.messages[0].code)
    await house.use_cases.unblock_phone(a_phone())
    assert isinstance(await house.answer(house.messenger.messages[0].code), LoggedIn)


async def test_who_is_unblocked_is_who_it_was(house: House) -> None:
    before = (await house.user(name="Rahul")).identity
    await house.use_cases.block_phone(a_phone())
    await house.use_cases.unblock_phone(a_phone())
    after = (await house.sign_in()).identity
    assert (after.id, after.user, after.role) == (before.id, before.user, before.role)


async def test_a_blocked_user_is_shown_to_others_as_ever(house: House) -> None:
    user = await house.user(a_phone(1))
    await house.use_cases.block_phone(a_phone(1))
    assert (await house.use_cases.get_user(user.identity.id)).user == user.identity.user


async def test_a_phone_that_nobody_knows_can_be_blocked(house: House) -> None:
    await house.use_cases.block_phone(a_phone())
    assert house.database.identities == {}
    await house.ask()
    assert house.messenger.messages == []
    await house.use_cases.unblock_phone(a_phone())
    assert (await house.sign_in()).identity.phone == a_phone()


async def test_a_phone_whose_identity_was_deleted_stays_blocked_by_its_record(house: House) -> None:
    principal = await house.user()
    await house.use_cases.delete_user(principal)
    await house.use_cases.block_phone(a_phone())
    house.wait(hours=12)
    await house.use_cases.cleanup()
    await house.ask()
    assert len(house.messenger.messages) == 1
    await house.use_cases.unblock_phone(a_phone())
    assert (await house.sign_in()).identity.id != principal.identity.id


async def test_an_administrator_may_make_the_user_of_a_blocked_phone(house: House) -> None:
    chief = await house.administrator(a_phone(9))
    await house.use_cases.block_phone(a_phone(1))
    made = await house.create(chief, "Rahul", a_phone(1))
    await house.ask(a_phone(1))
    await house.use_cases.unblock_phone(a_phone(1))
    assert (await house.sign_in(a_phone(1))).identity.id == made.id


async def test_no_other_phone_is_touched(house: House) -> None:
    token = await house.token(a_phone(2))
    await house.use_cases.block_phone(a_phone(1))
    await house.use_cases.unblock_phone(a_phone(2))
    await house.use_cases.authenticate(token)


async def test_twice_is_once(house: House) -> None:
    await house.token()
    await house.use_cases.block_phone(a_phone())
    once = (dict(house.database.phone_verifications), dict(house.database.identities))
    house.wait(60)
    await house.use_cases.block_phone(a_phone())
    assert (house.database.phone_verifications, house.database.identities) == once
    for _ in range(2):
        await house.use_cases.unblock_phone(a_phone())
    await house.token()


async def test_a_blocked_phone_is_never_swept_away(house: House) -> None:
    await house.use_cases.block_phone(a_phone())
    house.wait(days=1000)
    await house.use_cases.cleanup()
    await house.ask()
    assert house.messenger.messages == []


async def test_without_the_database_nothing_is_claimed(house: House) -> None:
    house.database.is_down = True
    for change in (house.use_cases.block_phone, house.use_cases.unblock_phone):
        with pytest.raises(StorageUnavailable):
            await change(a_phone())
