"""A user takes another name; the one before is free at once."""

import pytest

from domain.errors import Unauthenticated, Unavailable, UsernameInUse, UserNotFound
from domain.identities.username import parse_username
from tests.support.builders import a_phone
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_the_new_name_is_shown(house: House) -> None:
    principal = await house.user(name="Rahul")
    await house.use_cases.rename_user(principal, parse_username("Rahul Sharma"))
    shown = await house.use_cases.get_user(principal.identity.id)
    assert shown.user is not None
    assert shown.user.username.text == "Rahul Sharma"


async def test_the_user_is_as_old_as_before(house: House) -> None:
    principal = await house.user()
    house.wait(days=3)
    renamed = await house.use_cases.rename_user(principal, parse_username("Priya"))
    assert renamed.user is not None
    assert principal.identity.user is not None
    assert renamed.user.created_at == principal.identity.user.created_at


async def test_the_name_before_is_free_at_once(house: House) -> None:
    principal = await house.user(a_phone(1), "Rahul")
    await house.use_cases.rename_user(principal, parse_username("Priya"))
    await house.create(await house.sign_in(a_phone(2)), "Rahul")


async def test_ones_own_name_may_be_spelled_anew(house: House) -> None:
    principal = await house.user(name="rahul")
    renamed = await house.use_cases.rename_user(principal, parse_username("Rahul"))
    assert renamed.user is not None
    assert renamed.user.username.text == "Rahul"


async def test_a_name_that_somebody_has_is_refused(house: House) -> None:
    await house.user(a_phone(1), "Rahul")
    principal = await house.user(a_phone(2), "Priya")
    with pytest.raises(UsernameInUse):
        await house.use_cases.rename_user(principal, parse_username("RAHUL"))
    shown = await house.use_cases.get_user(principal.identity.id)
    assert shown.username_key == parse_username("Priya").key


async def test_who_is_no_user_yet_has_no_name_to_change(house: House) -> None:
    principal = await house.sign_in()
    with pytest.raises(UserNotFound):
        await house.use_cases.rename_user(principal, parse_username("Rahul"))


async def test_who_was_deleted_meanwhile_gets_no_name(house: House) -> None:
    principal = await house.user()
    await house.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await house.use_cases.rename_user(principal, parse_username("Priya"))


async def test_what_could_not_be_saved_is_not_acknowledged(house: House) -> None:
    principal = await house.user()
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.rename_user(principal, parse_username("Priya"))
