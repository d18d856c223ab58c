"""What an operator does is told each time that it is done, also where it was done before."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from application.ports.errors import StorageUnavailable
from application.ports.security_events import Fact, SecurityEvent
from application.use_cases import UseCases
from domain.errors import UserNotFound
from domain.phone import PhoneNumber
from tests.support.builders import a_phone, an_id
from tests.unit.application.wiring import House

Act = Callable[[UseCases, PhoneNumber], Awaitable[object]]

ACTS: Final[dict[Fact, Act]] = {
    Fact.PHONE_BLOCKED: lambda use_cases, phone: use_cases.block_phone(phone),
    Fact.PHONE_UNBLOCKED: lambda use_cases, phone: use_cases.unblock_phone(phone),
    Fact.USER_PROMOTED: lambda use_cases, phone: use_cases.promote_user(phone),
    Fact.USER_DEMOTED: lambda use_cases, phone: use_cases.demote_user(phone),
    Fact.SIGNED_OUT: lambda use_cases, phone: use_cases.revoke_phone_sessions(phone),
}
EACH: Final = pytest.mark.parametrize(("fact", "act"), ACTS.items(), ids=ACTS)


@pytest.fixture
def house() -> House:
    return House()


@EACH
async def test_it_is_told_of_whom_and_each_time(house: House, fact: Fact, act: Act) -> None:
    identity = (await house.user()).identity
    house.events.told.clear()
    for _ in range(2):
        await act(house.use_cases, a_phone())
    reasons: list[str | None] = [None, None]
    if fact is Fact.SIGNED_OUT:
        reasons = [f"by an operator, sessions: {ended}" for ended in (1, 0)]
    assert house.events.told == [
        SecurityEvent(fact=fact, phone=a_phone(), identity_id=identity.id, reason=reason)
        for reason in reasons
    ]


@EACH
async def test_what_could_not_be_saved_is_not_told(house: House, fact: Fact, act: Act) -> None:
    await house.user()
    house.events.told.clear()
    house.database.is_down = True
    with pytest.raises(StorageUnavailable):
        await act(house.use_cases, a_phone())
    assert house.events.told == []


async def test_a_phone_that_is_nobodys_can_be_blocked_and_nothing_else(house: House) -> None:
    for fact in (Fact.USER_PROMOTED, Fact.USER_DEMOTED, Fact.SIGNED_OUT):
        with pytest.raises(UserNotFound):
            await ACTS[fact](house.use_cases, a_phone())
    await house.use_cases.block_phone(a_phone())
    await house.use_cases.unblock_phone(a_phone())
    assert house.events.told == [
        SecurityEvent(fact=fact, phone=a_phone())
        for fact in (Fact.PHONE_BLOCKED, Fact.PHONE_UNBLOCKED)
    ]


async def test_a_role_given_by_id_is_told_with_the_phone(house: House) -> None:
    identity = (await house.user()).identity
    house.events.told.clear()
    await house.use_cases.promote_user(identity.id)
    await house.use_cases.demote_user(identity.id)
    with pytest.raises(UserNotFound):
        await house.use_cases.demote_user(an_id(99))
    assert house.events.told == [
        SecurityEvent(fact=fact, phone=a_phone(), identity_id=identity.id)
        for fact in (Fact.USER_PROMOTED, Fact.USER_DEMOTED)
    ]
