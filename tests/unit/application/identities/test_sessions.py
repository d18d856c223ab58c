"""Logout. The contract tests of sessions prove the rest over each database."""

import pytest

from domain.errors import Unauthenticated
from tests.support.app_harness import AppHarness


async def test_logout_revokes_its_token_at_once_and_no_other(app: AppHarness) -> None:
    token, other_token = await app.access_token(), await app.access_token()
    principal = await app.use_cases.authenticate(token)
    for _ in ("first", "repeated"):
        await app.use_cases.logout(principal)
    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(token)
    await app.use_cases.authenticate(other_token)


async def test_a_deleted_identity_cannot_log_out(app: AppHarness) -> None:
    principal = await app.log_in()
    await app.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.use_cases.logout(principal)
