"""What operators are told when sessions go on or end, and when somebody is gone."""

from dataclasses import replace

import pytest

from application.identities.logout import Scope
from application.otp.verify_otp import LoggedIn
from application.ports.security_events import Fact, SecurityEvent
from domain.errors import InvalidRefreshToken, SessionNotFound, Unauthenticated, Unavailable
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def refresh_token(house: House) -> RefreshToken:
    """The first of a new session; what its sign-in told is forgotten."""
    await house.ask()
    code = house.messenger.messages[-1].code
    signed_in = await house.answer(code, wants_refresh=True)
    assert isinstance(signed_in, LoggedIn)
    assert signed_in.tokens.refresh_token is not None
    house.events.told.clear()
    return parse_refresh_token(signed_in.tokens.refresh_token)


async def test_a_session_was_refreshed(house: House) -> None:
    token = await refresh_token(house)
    await house.use_cases.refresh_session(token)
    assert house.events.told == [
        SecurityEvent(fact=Fact.SESSION_REFRESHED, identity_id=token.identity_id)
    ]


async def test_a_token_was_shown_that_another_had_replaced_long_ago(house: House) -> None:
    token = await refresh_token(house)
    await house.use_cases.refresh_session(token)
    house.wait(60)
    house.events.told.clear()
    for _ in range(2):
        with pytest.raises(InvalidRefreshToken):
            await house.use_cases.refresh_session(token)
    # The first ended the session; to the second it is a token of no session.
    assert house.events.told == [
        SecurityEvent(fact=Fact.REFRESH_TOKEN_REUSED, identity_id=token.identity_id),
        SecurityEvent(fact=Fact.REFRESH_TOKEN_REFUSED, identity_id=token.identity_id),
    ]


async def test_a_token_was_shown_that_the_service_did_not_make(house: House) -> None:
    token = await refresh_token(house)
    forged = replace(token, generation=token.generation + 1)
    with pytest.raises(InvalidRefreshToken):
        await house.use_cases.refresh_session(forged)
    assert house.events.told == [
        SecurityEvent(fact=Fact.REFRESH_TOKEN_REFUSED, identity_id=token.identity_id)
    ]


@pytest.mark.parametrize("scope", Scope)
async def test_somebody_signed_out(house: House, scope: Scope) -> None:
    principal = await house.sign_in()
    house.events.told.clear()
    await house.use_cases.logout(principal, scope)
    assert house.events.told == [
        SecurityEvent(
            fact=Fact.SIGNED_OUT, identity_id=principal.identity.id, reason=f"scope {scope}"
        )
    ]


async def test_a_refresh_token_that_ends_nothing_tells_nothing(house: House) -> None:
    token = await refresh_token(house)
    await house.use_cases.logout(replace(token, generation=token.generation + 1))
    assert house.events.told == []


async def test_a_session_was_ended_by_its_id(house: House) -> None:
    principal = await house.sign_in()
    house.events.told.clear()
    await house.use_cases.revoke_session(principal, principal.session.id)
    with pytest.raises(SessionNotFound):
        await house.use_cases.revoke_session(principal, principal.session.id)
    assert house.events.told == [
        SecurityEvent(
            fact=Fact.SIGNED_OUT, identity_id=principal.identity.id, reason="one session, by its id"
        )
    ]


async def test_a_user_was_deleted_once(house: House) -> None:
    principal = await house.user()
    house.events.told.clear()
    await house.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await house.use_cases.delete_user(principal)
    assert house.events.told == [
        SecurityEvent(fact=Fact.USER_DELETED, identity_id=principal.identity.id)
    ]


async def test_what_failed_for_want_of_the_database_did_not_happen(house: House) -> None:
    token, principal = await refresh_token(house), await house.sign_in()
    house.events.told.clear()
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.refresh_session(token)
    with pytest.raises(Unavailable):
        await house.use_cases.logout(principal)
    with pytest.raises(Unavailable):
        await house.use_cases.revoke_session(principal, principal.session.id)
    with pytest.raises(Unavailable):
        await house.use_cases.delete_user(principal)
    assert house.events.told == []
