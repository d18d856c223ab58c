"""An operator makes an administrator a member again, by id or by phone."""

import pytest

from application.ports.errors import StorageUnavailable
from domain.errors import UserNotFound
from domain.identities.identity import Role
from domain.phone import PhoneNumber
from tests.support.builders import a_phone, an_id
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize("by_phone", [False, True])
async def test_from_the_next_request_on(house: House, by_phone: bool) -> None:
    token = await house.token(a_phone(3))
    principal = await house.use_cases.authenticate(token)
    await house.use_cases.promote_user(principal.identity.id)
    user: str | PhoneNumber = a_phone(3) if by_phone else principal.identity.id

    demoted = await house.use_cases.demote_user(user)

    assert (demoted.id, demoted.role) == (principal.identity.id, Role.MEMBER)
    # The session goes on; it is an administrator's no more.
    assert (await house.use_cases.authenticate(token)).identity.role is Role.MEMBER


async def test_twice_is_once(house: House) -> None:
    administrator = await house.administrator()
    once = await house.use_cases.demote_user(administrator.identity.id)
    saved = dict(house.database.identities)
    assert await house.use_cases.demote_user(administrator.identity.id) == once
    assert house.database.identities == saved


async def test_a_member_stays_one(house: House) -> None:
    principal = await house.user()
    assert await house.use_cases.demote_user(principal.identity.id) == principal.identity


async def test_no_other_administrator_is_touched(house: House) -> None:
    others = await house.administrator(a_phone(1))
    await house.administrator(a_phone(2))
    await house.use_cases.demote_user(a_phone(2))
    assert house.database.identities[others.identity.id].value.is_administrator


async def test_who_was_demoted_can_be_promoted_again(house: House) -> None:
    administrator = await house.administrator()
    await house.use_cases.demote_user(administrator.identity.id)
    assert (await house.use_cases.promote_user(administrator.identity.id)).is_administrator


async def test_nobody_and_the_deleted_are_not_found(house: House) -> None:
    principal = await house.user(a_phone(3))
    await house.use_cases.delete_user(principal)
    await house.ask(a_phone(2))
    for nobody in (an_id(99), a_phone(1), a_phone(2), a_phone(3), principal.identity.id):
        with pytest.raises(UserNotFound):
            await house.use_cases.demote_user(nobody)


async def test_without_the_database_nothing_is_claimed(house: House) -> None:
    administrator = await house.administrator()
    before = list(house.events.emitted)
    house.database.is_down = True
    for user in (administrator.identity.id, a_phone()):
        with pytest.raises(StorageUnavailable):
            await house.use_cases.demote_user(user)
    assert house.events.emitted == before
