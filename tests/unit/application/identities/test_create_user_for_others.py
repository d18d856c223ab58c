"""An administrator makes users of phones that are not his own."""

import asyncio

import pytest

from application.principal import Principal
from domain.errors import PhoneInUse, UsernameInUse, UserSaveFailed
from tests.support.builders import a_phone
from tests.unit.application.breaking import BreakingDatabase
from tests.unit.application.wiring import House

OTHER = a_phone(2)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def administrator(house: House) -> Principal:
    return await house.administrator(a_phone(1))


async def test_somebody_who_never_signed_in_becomes_a_user(
    house: House, administrator: Principal
) -> None:
    created = await house.create(administrator, "Priya", OTHER)
    assert created.phone == OTHER
    assert not created.is_administrator
    assert created.sessions == ()


async def test_who_signs_in_later_with_that_phone_is_that_user(
    house: House, administrator: Principal
) -> None:
    created = await house.create(administrator, "Priya", OTHER)
    principal = await house.sign_in(OTHER)
    assert principal.identity.id == created.id
    assert principal.identity.user == created.user


async def test_somebody_who_signed_in_becomes_a_user_under_his_id(
    house: House, administrator: Principal
) -> None:
    principal = await house.sign_in(OTHER)
    created = await house.create(administrator, "Priya", OTHER)
    assert created.id == principal.identity.id


async def test_the_same_user_again_is_a_success(house: House, administrator: Principal) -> None:
    first = await house.create(administrator, "Priya", OTHER)
    assert (await house.create(administrator, "priya", OTHER)).id == first.id


async def test_somebodys_other_name_is_not_told(house: House, administrator: Principal) -> None:
    await house.create(administrator, "Priya", OTHER)
    with pytest.raises(PhoneInUse) as refusal:
        await house.create(administrator, "Rahul", OTHER)
    assert (refusal.value.user_id, refusal.value.username) == (None, None)


async def test_both_clashes_at_once_answer_for_the_number(
    house: House, administrator: Principal
) -> None:
    await house.create(administrator, "Priya", OTHER)
    await house.create(administrator, "Rahul", a_phone(3))
    with pytest.raises(PhoneInUse):
        await house.create(administrator, "Rahul", OTHER)


async def test_a_name_in_use_is_refused_and_leaves_the_phone_free(
    house: House, administrator: Principal
) -> None:
    await house.create(administrator, "Rahul", a_phone(3))
    with pytest.raises(UsernameInUse):
        await house.create(administrator, "Rahul", OTHER)
    created = await house.create(administrator, "Priya", OTHER)
    assert (await house.sign_in(OTHER)).identity.id == created.id


async def test_the_phone_of_a_deleted_user_is_free_for_a_new_one(
    house: House, administrator: Principal
) -> None:
    deleted = await house.user(OTHER, "Priya")
    await house.use_cases.delete_user(deleted)
    created = await house.create(administrator, "Rahul", OTHER)
    assert created.id != deleted.identity.id
    assert not created.is_deleted


async def test_an_administrator_posts_his_own_like_anybody(
    house: House, administrator: Principal
) -> None:
    created = await house.create(administrator, "Root")
    assert created.id == administrator.identity.id
    assert created.is_administrator


async def test_while_the_owner_signs_in_for_the_first_time_there_is_one_identity(
    house: House, administrator: Principal
) -> None:
    house.wait(3600)
    await house.ask(OTHER)
    code = house.messenger.messages[-1].code
    created, _ = await asyncio.gather(
        house.create(administrator, "Priya", OTHER), house.answer(code, OTHER)
    )
    living = [one.value for one in house.database.identities.values() if one.value.phone == OTHER]
    assert [one.id for one in living] == [created.id]
    assert len(living[0].sessions) == 1


@pytest.mark.parametrize("step", range(1, 5))
async def test_what_could_not_be_saved_is_told_and_may_be_repeated(step: int) -> None:
    database = BreakingDatabase()
    house = House(database=database)
    administrator = await house.administrator(a_phone(1))
    database.steps.forget()
    database.steps.fails_at = step
    with pytest.raises(UserSaveFailed):
        await house.create(administrator, "Priya", OTHER)
    created = await house.create(administrator, "Priya", OTHER)
    assert (await house.sign_in(OTHER)).identity.id == created.id
