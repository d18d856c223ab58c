"""Users are shown; identities without a name and deleted ones are not."""

import pytest

from domain.errors import Unavailable, UserNotFound
from tests.support.builders import an_id
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_a_user_is_found(house: House) -> None:
    principal = await house.user()
    assert (await house.use_cases.get_user(principal.identity.id)).user == principal.identity.user


async def test_an_identity_that_is_no_user_is_not_found(house: House) -> None:
    principal = await house.sign_in()
    with pytest.raises(UserNotFound):
        await house.use_cases.get_user(principal.identity.id)


async def test_nobody_is_not_found(house: House) -> None:
    with pytest.raises(UserNotFound):
        await house.use_cases.get_user(an_id(99))


async def test_a_deleted_user_is_not_found_from_that_moment_on(house: House) -> None:
    principal = await house.user()
    await house.use_cases.delete_user(principal)
    with pytest.raises(UserNotFound):
        await house.use_cases.get_user(principal.identity.id)


async def test_without_the_database_nobody_is_declared_missing(house: House) -> None:
    principal = await house.user()
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.get_user(principal.identity.id)
