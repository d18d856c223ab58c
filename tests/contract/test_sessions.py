"""Sessions live in the database: two instances agree on them at once, on all databases."""

import asyncio

import pytest

from application.otp.log_in import LoggedIn
from domain.identities.refresh_token import RefreshToken
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_parsed_token
from tests.support.repositories import OpenRepositories

pytestmark = IN_MEMORY_FIRST

PARALLEL = 20


@pytest.fixture
def apps(repositories: OpenRepositories, other_repositories: OpenRepositories) -> list[AppHarness]:
    """Two instances of the service."""
    app = AppHarness(repositories=repositories)
    return [app, AppHarness(repositories=other_repositories, clock=app.clock)]


async def log_in(app: AppHarness) -> RefreshToken:
    await app.request_otp()
    result = await app.verify_otp(app.last_code, with_refresh=True)
    assert isinstance(result, LoggedIn)
    return a_parsed_token(result.tokens.refresh_token)


async def test_parallel_refreshes_at_two_instances_return_one_refresh_token(
    apps: list[AppHarness],
) -> None:
    token = await log_in(apps[0])

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
