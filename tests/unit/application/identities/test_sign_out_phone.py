"""An operator ends every session of a phone."""

import asyncio
from datetime import timedelta

import pytest

from application.identities.session_factory import TokenLifetimes
from application.otp.verify_otp import LoggedIn
from application.ports.errors import StorageUnavailable
from application.wiring import Policy
from domain.errors import InvalidRefreshToken, Unauthenticated, Unavailable, UserNotFound
from domain.identities.refresh_token import parse_refresh_token
from tests.support.builders import a_phone
from tests.unit.application.breaking import BreakingDatabase
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_every_token_of_it_stops_at_once(house: House) -> None:
    tokens = [await house.token(), await house.token()]

    assert await house.use_cases.revoke_phone_sessions(a_phone()) == 2

    for token in tokens:
        with pytest.raises(Unauthenticated):
            await house.use_cases.authenticate(token)


async def test_a_refresh_token_of_it_brings_nothing_more(house: House) -> None:
    await house.ask()
    code = house.messenger.messages[0].code
    signed_in = await house.answer(code, wants_refresh=True)
    assert isinstance(signed_in, LoggedIn)
    assert signed_in.tokens.refresh_token is not None

    await house.use_cases.revoke_phone_sessions(a_phone())

    token = parse_refresh_token(signed_in.tokens.refresh_token)
    with pytest.raises(InvalidRefreshToken):
        await house.use_cases.refresh_session(token)


async def test_again_it_ends_none_and_writes_nothing(house: House) -> None:
    await house.token()
    await house.use_cases.revoke_phone_sessions(a_phone())
    saved = dict(house.database.identities)
    assert await house.use_cases.revoke_phone_sessions(a_phone()) == 0
    assert house.database.identities == saved


async def test_sessions_that_were_over_are_not_counted() -> None:
    house = House(rules=Policy(lifetimes=TokenLifetimes(plain=timedelta(hours=13))))
    await house.token()
    await house.token()
    house.wait(hours=2)
    assert await house.use_cases.revoke_phone_sessions(a_phone()) == 1


async def test_it_may_sign_in_again_as_who_it_was(house: House) -> None:
    before = (await house.administrator()).identity
    await house.use_cases.revoke_phone_sessions(a_phone())
    after = (await house.sign_in()).identity
    assert (after.id, after.role) == (before.id, before.role)


async def test_a_code_under_way_stays_good(house: House) -> None:
    await house.token()
    house.wait(hours=12)
    await house.ask()
    await house.use_cases.revoke_phone_sessions(a_phone())
    assert isinstance(await house.answer(house.messenger.messages[-1].code), LoggedIn)


async def test_no_other_phone_is_touched(house: House) -> None:
    token = await house.token(a_phone(2))
    await house.token(a_phone(1))
    await house.use_cases.revoke_phone_sessions(a_phone(1))
    await house.use_cases.authenticate(token)


async def test_who_is_blocked_has_no_session_to_end(house: House) -> None:
    await house.token()
    await house.use_cases.block_phone(a_phone())
    assert await house.use_cases.revoke_phone_sessions(a_phone()) == 0


async def test_a_phone_that_is_nobodys_is_told(house: House) -> None:
    await house.ask(a_phone(2))
    deleted = await house.user(a_phone(3))
    await house.use_cases.delete_user(deleted)
    for number in (1, 2, 3):
        with pytest.raises(UserNotFound):
            await house.use_cases.revoke_phone_sessions(a_phone(number))


async def test_one_whose_identity_was_never_made_is_nobodys() -> None:
    database = BreakingDatabase()
    house = House(database=database)
    await house.ask()
    database.steps.forget()
    database.steps.fails_at = 4
    with pytest.raises(Unavailable):
        await house.answer(house.messenger.messages[0].code)
    database.steps.forget()
    assert house.database.phone_verifications[a_phone()].value.identity_id is not None
    with pytest.raises(UserNotFound):
        await house.use_cases.revoke_phone_sessions(a_phone())


async def test_all_that_race_end_each_session_once(house: House) -> None:
    for _ in range(3):
        await house.token()
    ended = await asyncio.gather(
        *(house.use_cases.revoke_phone_sessions(a_phone()) for _ in range(5))
    )
    assert sorted(ended) == [0, 0, 0, 0, 3]


async def test_without_the_database_nothing_is_claimed(house: House) -> None:
    await house.token()
    before = list(house.events.emitted)
    house.database.is_down = True
    with pytest.raises(StorageUnavailable):
        await house.use_cases.revoke_phone_sessions(a_phone())
    assert house.events.emitted == before
