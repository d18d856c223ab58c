"""Who shows a token is found out anew each time."""

from datetime import timedelta

import pytest

from application.ports.keys import TokenClaims
from domain.errors import Unauthenticated, Unavailable
from tests.support.builders import NOW, a_session, an_id, an_identity
from tests.support.fakes.access_tokens import FakeAccessTokens
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_a_token_is_shown_by_whoever_it_was_issued_to(house: House) -> None:
    token = await house.token()
    principal = await house.use_cases.authenticate(token)
    assert principal.session in principal.identity.sessions


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "e30."])
async def test_what_is_no_token_of_ours_is_refused(house: House, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(token)


async def test_a_token_signed_with_another_key_is_refused(house: House) -> None:
    principal = await house.sign_in()
    claims = TokenClaims(
        principal.identity.id,
        principal.session.id,
        principal.session.created_at,
        principal.session.expires_at,
    )
    foreign = FakeAccessTokens(b"another key").issue(claims)
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(foreign)


async def test_a_genuine_token_of_nobody_is_refused(house: House) -> None:
    claims = TokenClaims(an_id(9), "session", NOW, NOW + timedelta(days=1))
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(FakeAccessTokens().issue(claims))


async def test_a_genuine_token_of_a_session_that_is_not_there_is_refused(house: House) -> None:
    principal = await house.sign_in()
    claims = TokenClaims(principal.identity.id, "another", NOW, NOW + timedelta(days=9))
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(FakeAccessTokens().issue(claims))


async def test_a_session_that_is_over_is_refused_whatever_its_token_says(house: House) -> None:
    session = a_session(id="one", expires_at=NOW + timedelta(minutes=1))
    await house.database.records().identities.add(an_identity(sessions=(session,)))
    claims = TokenClaims(an_identity().id, "one", NOW, NOW + timedelta(days=90))
    token = FakeAccessTokens().issue(claims)
    await house.use_cases.authenticate(token)
    house.wait(60)
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(token)


async def test_a_change_of_role_acts_at_once(house: House) -> None:
    token = await house.token()
    before = await house.use_cases.authenticate(token)
    await house.use_cases.promote_user(before.identity.id)
    after = await house.use_cases.authenticate(token)
    assert (before.identity.is_administrator, after.identity.is_administrator) == (False, True)


async def test_a_token_of_a_deleted_identity_is_refused_at_once(house: House) -> None:
    token, other_token = await house.token(), await house.token()
    principal = await house.use_cases.authenticate(token)
    await house.use_cases.delete_user(principal)
    for one in (token, other_token):
        with pytest.raises(Unauthenticated):
            await house.use_cases.authenticate(one)


async def test_without_the_database_nobody_is_let_in_and_nobody_turned_away(house: House) -> None:
    token = await house.token()
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.authenticate(token)
