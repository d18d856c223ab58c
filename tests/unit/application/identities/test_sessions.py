"""Logout. The contract tests of sessions prove the rest over each database."""

import pytest

from application.ports.errors import StorageUnavailable
from domain.errors import Unauthenticated
from tests.support.app_harness import AppHarness


async def test_logout_revokes_the_token_at_once(app: AppHarness) -> None:
    token = await app.access_token()
    await app.use_cases.logout(await app.use_cases.authenticate(token))
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(token)


async def test_logout_keeps_other_sessions(app: AppHarness) -> None:
    token, other_token = await app.access_token(), await app.access_token()
    await app.use_cases.logout(await app.use_cases.authenticate(token))
    await app.use_cases.authenticate(other_token)


async def test_logging_out_twice_is_no_error(app: AppHarness) -> None:
    principal = await app.log_in()
    await app.use_cases.logout(principal)
    await app.use_cases.logout(principal)


async def test_a_deleted_identity_cannot_log_out(app: AppHarness) -> None:
    principal = await app.log_in()
    await app.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.use_cases.logout(principal)


async def test_logout_fails_without_database(app: AppHarness) -> None:
    principal = await app.log_in()
    app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await app.use_cases.logout(principal)
