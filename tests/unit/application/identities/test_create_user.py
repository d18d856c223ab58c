"""Who has signed in becomes a user, under the same id, as often as the app posts it."""

import asyncio

import pytest

from domain.errors import (
    PhoneInUse,
    PhoneMismatch,
    Unauthenticated,
    UsernameInUse,
    UserSaveFailed,
)
from tests.support.builders import a_phone
from tests.unit.application.breaking import BreakingDatabase
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_a_user_keeps_the_id_of_the_identity(house: House) -> None:
    principal = await house.sign_in()
    created = await house.create(principal, "Rahul Sharma")
    assert created.id == principal.identity.id
    assert created.user is not None
    assert created.user.username.text == "Rahul Sharma"
    assert created.user.created_at == house.clock.now()


async def test_the_same_user_again_is_a_success_with_the_same_id(house: House) -> None:
    first = await house.create(await house.sign_in())
    again = await house.create(await house.sign_in())
    assert again.id == first.id
    assert again.user == first.user


async def test_the_same_name_in_another_spelling_is_the_same_user(house: House) -> None:
    principal = await house.user(name="Rahul Sharma")
    again = await house.create(principal, "  rahul   SHARMA ")
    assert again.user is not None
    assert again.user.username.text == "Rahul Sharma"


async def test_who_has_another_name_already_is_told_which(house: House) -> None:
    principal = await house.user(name="Rahul Sharma")
    with pytest.raises(PhoneInUse) as refusal:
        await house.create(principal, "Somebody Else")
    assert refusal.value.user_id == principal.identity.id
    assert refusal.value.username == "Rahul Sharma"


async def test_a_name_that_somebody_has_is_refused(house: House) -> None:
    await house.user(a_phone(1), "Rahul Sharma")
    with pytest.raises(UsernameInUse):
        await house.create(await house.sign_in(a_phone(2)), "rahul sharma")


async def test_both_clashes_at_once_answer_for_the_number(house: House) -> None:
    await house.user(a_phone(1), "Rahul Sharma")
    principal = await house.user(a_phone(2), "Priya")
    with pytest.raises(PhoneInUse) as refusal:
        await house.create(principal, "Rahul Sharma")
    assert refusal.value.username == "Priya"


async def test_a_number_that_is_not_ones_own_is_refused(house: House) -> None:
    principal = await house.sign_in(a_phone(1))
    with pytest.raises(PhoneMismatch):
        await house.create(principal, phone=a_phone(2))


async def test_a_users_number_that_is_not_ones_own_is_refused_the_same_way(house: House) -> None:
    await house.user(a_phone(2), "Priya")
    principal = await house.sign_in(a_phone(1))
    with pytest.raises(PhoneMismatch):
        await house.create(principal, "Priya", a_phone(2))


async def test_who_was_deleted_meanwhile_becomes_no_user(house: House) -> None:
    principal = await house.sign_in()
    await house.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await house.create(principal)


async def test_of_many_who_want_one_name_at_once_one_gets_it(house: House) -> None:
    callers = [await house.sign_in(a_phone(number)) for number in range(20)]
    outcomes = await asyncio.gather(
        *(house.create(principal, "Rahul") for principal in callers), return_exceptions=True
    )
    created = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(created) == 1
    assert sum(isinstance(one, UsernameInUse) for one in outcomes) == 19


async def test_the_same_post_many_times_at_once_makes_one_user(house: House) -> None:
    principal = await house.sign_in()
    outcomes = await asyncio.gather(*(house.create(principal, "Rahul") for _ in range(20)))
    assert len({(one.id, one.user) for one in outcomes}) == 1


async def test_of_two_names_for_one_identity_at_once_one_is_taken(house: House) -> None:
    principal = await house.sign_in()
    outcomes = await asyncio.gather(
        house.create(principal, "Rahul"), house.create(principal, "Priya"), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Identity", "PhoneInUse"]


@pytest.mark.parametrize("step", [1, 2])
async def test_what_could_not_be_saved_is_told_and_may_be_repeated(step: int) -> None:
    database = BreakingDatabase()
    house = House(database=database)
    principal = await house.sign_in()
    database.steps.forget()
    database.steps.fails_at = step
    with pytest.raises(UserSaveFailed):
        await house.create(principal)
    assert (await house.create(principal)).id == principal.identity.id
