"""Wherever a block or its end is broken off, it lets nobody in, and repeating it completes it."""

from collections.abc import Awaitable, Callable

import pytest

from application.otp.verify_otp import OtpRejected
from application.ports.errors import StorageUnavailable
from domain.errors import Unauthenticated, Unavailable
from domain.phone import PhoneNumber
from tests.support.builders import a_phone
from tests.unit.application.breaking import BreakingDatabase, Killed
from tests.unit.application.wiring import House

BREAKS = pytest.mark.parametrize("kills", [False, True], ids=["fails", "dies"])
STEPS_OF_A_BLOCK = range(1, 5)
STEPS_OF_AN_UNBLOCK = range(1, 6)


@pytest.fixture
def database() -> BreakingDatabase:
    return BreakingDatabase()


@pytest.fixture
def house(database: BreakingDatabase) -> House:
    return House(database=database)


async def broken_off(
    change: Callable[[PhoneNumber], Awaitable[None]],
    database: BreakingDatabase,
    step: int,
    kills: bool,
) -> None:
    """Change the phone's block, and fail or die at this step."""
    database.steps.forget()
    database.steps.fails_at, database.steps.kills = step, kills
    with pytest.raises(Killed if kills else StorageUnavailable):
        await change(a_phone())
    database.steps.forget()


@BREAKS
@pytest.mark.parametrize("step", STEPS_OF_A_BLOCK)
async def test_a_block_is_completed_by_the_next(
    house: House, database: BreakingDatabase, step: int, kills: bool
) -> None:
    token = await house.token()
    await broken_off(house.use_cases.block_phone, database, step, kills)

    await house.use_cases.block_phone(a_phone())

    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(token)
    assert await is_blocked(house)


@BREAKS
@pytest.mark.parametrize("step", STEPS_OF_A_BLOCK)
async def test_a_block_that_was_broken_off_can_be_undone(
    house: House, database: BreakingDatabase, step: int, kills: bool
) -> None:
    await house.token()
    await broken_off(house.use_cases.block_phone, database, step, kills)

    await house.use_cases.unblock_phone(a_phone())

    await house.token()


@BREAKS
@pytest.mark.parametrize("step", STEPS_OF_A_BLOCK)
async def test_a_block_is_completed_where_the_identity_was_yet_to_be_made(
    house: House, database: BreakingDatabase, step: int, kills: bool
) -> None:
    await an_unfinished_sign_in(house, database)
    await broken_off(house.use_cases.block_phone, database, step, kills)

    await house.use_cases.block_phone(a_phone())

    (identity,) = house.database.identities.values()
    assert identity.value.is_blocked
    assert identity.value.id == house.database.phone_verifications[a_phone()].value.identity_id
    await house.use_cases.unblock_phone(a_phone())
    assert (await house.sign_in()).identity.id == identity.value.id


@BREAKS
@pytest.mark.parametrize("step", STEPS_OF_AN_UNBLOCK)
async def test_an_unblock_lets_nobody_in_before_it_is_done_and_the_next_completes_it(
    house: House, database: BreakingDatabase, step: int, kills: bool
) -> None:
    await house.token()
    await house.use_cases.block_phone(a_phone())
    await broken_off(house.use_cases.unblock_phone, database, step, kills)
    assert await is_blocked(house)

    await house.use_cases.unblock_phone(a_phone())

    await house.token()


async def test_unblocking_a_phone_whose_identity_was_never_made(
    house: House, database: BreakingDatabase
) -> None:
    await an_unfinished_sign_in(house, database)
    await broken_off(house.use_cases.block_phone, database, step=3, kills=True)

    await house.use_cases.unblock_phone(a_phone())

    assert (await house.sign_in()).identity.id in house.database.identities


async def an_unfinished_sign_in(house: House, database: BreakingDatabase) -> None:
    """Have the phone's record name an identity that does not exist yet."""
    await house.ask()
    database.steps.forget()
    database.steps.fails_at = 4
    with pytest.raises(Unavailable):
        await house.answer(house.messenger.messages[-1].code)
    database.steps.forget()
    assert house.database.identities == {}


async def is_blocked(house: House) -> bool:
    """Whether nothing is sent and no code is right."""
    house.wait(hours=12)
    sent = len(house.messenger.messages)
    await house.ask()
    record = house.database.phone_verifications[a_phone()].value
    pepper = house.otp_keys.find_key(record.challenges[-1].key_id)
    assert pepper is not None
    answer = await house.answer(record.challenges[-1].derive_code(pepper, a_phone()))
    return len(house.messenger.messages) == sent and isinstance(answer, OtpRejected)
