"""The principal of a request is loaded for its access token each time."""

from datetime import timedelta

import pytest

from application.ports.errors import StorageUnavailable
from application.ports.keys import TokenClaims
from domain.errors import Unauthenticated
from domain.identities.identity import Role
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_session, an_id, an_identity
from tests.support.fakes.access_tokens import FakeAccessTokens


async def test_an_access_token_identifies_its_session(app: AppHarness) -> None:
    token = await app.access_token()
    principal = await app.use_cases.authenticate(token)
    assert principal.session in principal.identity.sessions


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "e30."])
async def test_a_malformed_token_is_rejected(app: AppHarness, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(token)


async def test_a_token_signed_with_another_key_is_rejected(app: AppHarness) -> None:
    principal = await app.log_in()
    claims = TokenClaims(
        principal.identity.id,
        principal.session.id,
        principal.session.created_at,
        principal.session.expires_at,
    )
    foreign = FakeAccessTokens(b"another key").issue(claims)
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(foreign)


async def test_a_valid_token_of_an_unknown_identity_is_rejected(app: AppHarness) -> None:
    claims = TokenClaims(an_id(9), "session", NOW, NOW + timedelta(days=1))
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(FakeAccessTokens().issue(claims))


async def test_a_valid_token_of_an_unknown_session_is_rejected(app: AppHarness) -> None:
    principal = await app.log_in()
    claims = TokenClaims(principal.identity.id, "another", NOW, NOW + timedelta(days=9))
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(FakeAccessTokens().issue(claims))


async def test_an_expired_session_is_rejected_although_its_token_is_valid(app: AppHarness) -> None:
    session = a_session(id="session", expires_at=NOW + timedelta(minutes=1))
    await app.database.repositories().identities.add(an_identity(sessions=(session,)))
    claims = TokenClaims(an_identity().id, "session", NOW, NOW + timedelta(days=90))
    token = FakeAccessTokens().issue(claims)
    await app.use_cases.authenticate(token)
    app.advance(60)
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(token)


async def test_a_role_change_acts_at_once(app: AppHarness) -> None:
    token = await app.access_token()
    before = await app.use_cases.authenticate(token)
    await app.use_cases.change_role(before.identity.id, Role.ADMINISTRATOR)
    after = await app.use_cases.authenticate(token)
    assert (before.identity.is_administrator, after.identity.is_administrator) == (False, True)


async def test_all_tokens_of_a_deleted_identity_are_rejected_at_once(app: AppHarness) -> None:
    token, other_token = await app.access_token(), await app.access_token()
    principal = await app.use_cases.authenticate(token)
    await app.use_cases.delete_user(principal)
    for revoked in (token, other_token):
        with pytest.raises(Unauthenticated):
            await app.use_cases.authenticate(revoked)


async def test_a_token_is_neither_accepted_nor_rejected_without_database(app: AppHarness) -> None:
    token = await app.access_token()
    app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await app.use_cases.authenticate(token)
