"""Sessions live in the database: two instances agree on them at once, on all databases."""

import asyncio

import jwt
import pytest

from application.identities.extensions import AllowLogin, PendingLogin
from application.identities.sessions import LogoutScope
from application.otp.log_in import LoggedIn
from domain.errors import Unauthenticated
from domain.identities.refresh_token import RefreshToken
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_parsed_token
from tests.support.repositories import OpenRepositories

PARALLEL = 20


@pytest.fixture
def apps(repositories: OpenRepositories, other_repositories: OpenRepositories) -> list[AppHarness]:
    """Two instances of the service."""
    app = AppHarness(repositories=repositories)
    return [app, AppHarness(repositories=other_repositories, clock=app.clock)]


async def log_in(app: AppHarness) -> tuple[str, RefreshToken]:
    """Return an access token and a refresh token."""
    await app.request_otp()
    result = await app.verify_otp(app.last_code, with_refresh=True)
    assert isinstance(result, LoggedIn)
    return result.tokens.access_token, a_parsed_token(result.tokens.refresh_token)


async def test_parallel_refreshes_at_two_instances_return_one_refresh_token(
    apps: list[AppHarness],
) -> None:
    _, token = await log_in(apps[0])

    refreshed = await asyncio.gather(
        *(
            apps[number % 2].identities.refresh_session(token, CLIENT_IP)
            for number in range(PARALLEL)
        )
    )

    assert len({tokens.refresh_token for tokens in refreshed}) == 1
    apps[0].advance(11)
    again = await apps[1].identities.refresh_session(
        a_parsed_token(refreshed[0].refresh_token), CLIENT_IP
    )
    assert again.refresh_token != refreshed[0].refresh_token


async def test_the_claims_of_a_login_are_in_the_tokens_of_all_instances(
    apps: list[AppHarness],
) -> None:
    claims = {"$set": {"a.b": "é"}, "n": 2**70, "none": None}

    async def ask(_: PendingLogin) -> AllowLogin:
        return AllowLogin(claims)

    apps[0].identities.extensions.login_hook = ask
    _, token = await log_in(apps[0])
    refreshed = await apps[1].identities.refresh_session(token, CLIENT_IP)
    payload = jwt.decode(refreshed.access_token, options={"verify_signature": False})
    assert payload["app"] == claims


async def test_a_logout_is_known_to_the_other_instance_at_once(apps: list[AppHarness]) -> None:
    first, second = apps
    access_token, token = await log_in(first)
    principal = await second.identities.authenticate(access_token)

    await first.identities.logout(principal, LogoutScope.ALL)

    with pytest.raises(Unauthenticated):
        await second.identities.authenticate(access_token)
    with pytest.raises(Unauthenticated):
        await second.identities.refresh_session(token, CLIENT_IP)
