"""An operator makes somebody an administrator, by id or by phone."""

import pytest

from domain.errors import UserNotFound
from tests.support.builders import a_phone, an_id
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_by_id(house: House) -> None:
    principal = await house.user()
    promoted = await house.use_cases.promote_user(principal.identity.id)
    assert promoted.is_administrator


async def test_by_phone(house: House) -> None:
    principal = await house.user(a_phone(3))
    promoted = await house.use_cases.promote_user(a_phone(3))
    assert (promoted.id, promoted.is_administrator) == (principal.identity.id, True)


async def test_twice_is_once(house: House) -> None:
    principal = await house.user()
    once = await house.use_cases.promote_user(principal.identity.id)
    assert await house.use_cases.promote_user(principal.identity.id) == once


async def test_nobody_is_not_found(house: House) -> None:
    await house.ask(a_phone(2))
    for nobody in (an_id(99), a_phone(1), a_phone(2)):
        with pytest.raises(UserNotFound):
            await house.use_cases.promote_user(nobody)


async def test_a_deleted_user_is_not_found(house: House) -> None:
    principal = await house.user(a_phone(3))
    await house.use_cases.delete_user(principal)
    for deleted in (principal.identity.id, a_phone(3)):
        with pytest.raises(UserNotFound):
            await house.use_cases.promote_user(deleted)


async def test_who_comes_after_a_deleted_administrator_is_none(house: House) -> None:
    administrator = await house.administrator(a_phone(3))
    await house.use_cases.delete_user(administrator)
    assert not (await house.sign_in(a_phone(3))).identity.is_administrator
