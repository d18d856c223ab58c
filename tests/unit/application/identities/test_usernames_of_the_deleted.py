"""The name of a deleted user is held for thirty days, then it is anybody's."""

import asyncio

import pytest

from application.principal import Principal
from domain.errors import UsernameInUse
from domain.identities.username import parse_username
from tests.support.builders import a_phone
from tests.unit.application.wiring import House

NAME = parse_username("Rahul Sharma")


@pytest.fixture
async def house() -> House:
    house = House()
    deleted = await house.user(a_phone(1), NAME.text)
    await house.use_cases.delete_user(deleted)
    return house


async def caller_after(house: House, **span: float) -> Principal:
    """Somebody who signed in twelve hours after the deletion and waited for the rest."""
    principal = await house.sign_in(a_phone(2))
    house.wait(hours=-12, **span)
    return principal


async def test_for_thirty_days_nobody_gets_it(house: House) -> None:
    principal = await caller_after(house, days=30, milliseconds=-1)
    with pytest.raises(UsernameInUse):
        await house.create(principal, NAME.text)


async def test_not_even_who_had_it_gets_it_back(house: House) -> None:
    same_phone = await house.sign_in(a_phone(1))
    with pytest.raises(UsernameInUse):
        await house.create(same_phone, NAME.text)


async def test_after_thirty_days_it_is_free(house: House) -> None:
    principal = await caller_after(house, days=30)
    created = await house.create(principal, NAME.text)
    assert created.user is not None
    assert created.user.username == NAME


async def test_after_thirty_days_it_is_free_for_a_renaming_too(house: House) -> None:
    principal = await house.user(a_phone(2), "Priya")
    house.wait(days=30)
    renamed = await house.use_cases.rename_user(principal, NAME)
    assert renamed.username_key == NAME.key


async def test_it_is_held_whether_it_was_swept_or_not(house: House) -> None:
    await house.use_cases.cleanup()
    principal = await house.sign_in(a_phone(2))
    with pytest.raises(UsernameInUse):
        await house.create(principal, NAME.text)


async def test_after_thirty_days_one_of_many_gets_it(house: House) -> None:
    callers = [await house.sign_in(a_phone(number)) for number in range(2, 12)]
    house.wait(days=30)
    outcomes = await asyncio.gather(
        *(house.create(principal, NAME.text) for principal in callers),
        house.use_cases.cleanup(),
        return_exceptions=True,
    )
    assert sum(isinstance(one, UsernameInUse) for one in outcomes) == 9
    holders = [
        one.value
        for one in house.database.identities.values()
        if one.value.username_key == NAME.key
    ]
    assert len(holders) == 1
    assert not holders[0].is_deleted
