"""Signing out ends this session, at once, and no other."""

import pytest

from domain.errors import Unauthenticated, Unavailable
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_the_token_stops_at_once(house: House) -> None:
    token = await house.token()
    await house.use_cases.logout(await house.use_cases.authenticate(token))
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(token)


async def test_other_sessions_go_on(house: House) -> None:
    token, other_token = await house.token(), await house.token()
    await house.use_cases.logout(await house.use_cases.authenticate(token))
    await house.use_cases.authenticate(other_token)


async def test_signing_out_twice_is_signing_out_once(house: House) -> None:
    principal = await house.sign_in()
    await house.use_cases.logout(principal)
    await house.use_cases.logout(principal)


async def test_whoever_was_deleted_meanwhile_is_signed_out_already(house: House) -> None:
    principal = await house.sign_in()
    await house.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await house.use_cases.logout(principal)


async def test_what_could_not_be_saved_is_not_acknowledged(house: House) -> None:
    principal = await house.sign_in()
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.logout(principal)
