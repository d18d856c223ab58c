"""A phone that nobody used for long may have a new owner."""

from datetime import timedelta
from functools import partial

import pytest

from application.identities.events import IdentityDetached
from application.otp.log_in import LoggedIn
from application.principal import Principal
from domain.errors import UserNotFound
from domain.identities.role import Role
from tests.support.at_each_operation import Attempt, Fault, at_each_operation
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness, make_core_policy


def recycling() -> CoreHarness:
    return CoreHarness(policy=make_core_policy(recycled_after=timedelta(days=100)))


@pytest.fixture
def app() -> CoreHarness:
    return recycling()


async def principal_of(app: CoreHarness, logged_in: LoggedIn) -> Principal:
    return await app.identities.authenticate(logged_in.tokens.access_token)


async def create_owner(app: CoreHarness) -> tuple[Principal, LoggedIn]:
    """Log in and create a user."""
    logged_in = await app.open_session()
    principal = await principal_of(app, logged_in)
    await app.create_user(principal)
    return principal, logged_in


async def test_an_unused_phone_gets_a_new_identity(app: CoreHarness) -> None:
    before, _ = await create_owner(app)
    app.advance(days=101)
    after = await principal_of(app, await app.open_session())
    assert after.identity.id != before.identity.id
    assert after.identity.user is None
    detached = app.database.identities[before.identity.id].value
    assert (detached.sessions, detached.devices, detached.phone) == ((), (), a_phone())
    assert app.database.phone_verifications[a_phone()].value.identity_id == after.identity.id
    assert IdentityDetached in app.events.types
    with pytest.raises(UserNotFound):
        await app.identities.get_user(before.identity.id)
    await app.create_user(after)
    app.advance(days=1)
    assert (await principal_of(app, await app.open_session())).identity.id == after.identity.id


async def test_a_device_token_proves_continuity(app: CoreHarness) -> None:
    before, logged_in = await create_owner(app)
    app.advance(days=101)
    after = await principal_of(app, await app.open_session(device_token=logged_in.device_token))
    assert after.identity.id == before.identity.id


async def test_staff_keep_their_account_however_long_it_was_unused(app: CoreHarness) -> None:
    before, _ = await create_owner(app)
    await app.identities.operator_actions.change_role(before.identity.id, Role.SUPPORT)
    app.advance(days=1001)
    after = await principal_of(app, await app.open_session())
    assert (after.identity.id, after.identity.staff.role) == (before.identity.id, Role.SUPPORT)
    assert IdentityDetached not in app.events.types


async def leave_unused() -> tuple[CoreHarness, Attempt, str]:
    """Request a code for a phone that nobody used for long.

    Returns:
        The login with it, and the id of the phone's identity.
    """
    app = recycling()
    before, _ = await create_owner(app)
    app.advance(days=101)
    await app.request_otp()
    return app, Attempt(partial(app.verify_otp, app.last_code)), before.identity.id


async def test_an_interrupted_detachment_is_completed_by_a_login() -> None:
    async for app, login, before_id in at_each_operation(leave_unused, Fault.FAILS):
        if not isinstance(login.result, LoggedIn):
            await login()
        if not isinstance(login.result, LoggedIn):  # the code was used before
            login.result = await app.open_session()
        after_id = (await principal_of(app, login.result)).identity.id
        assert set(app.database.identities) == {before_id, after_id} != {before_id}
        assert len(app.database.identities[after_id].value.sessions) == 1
