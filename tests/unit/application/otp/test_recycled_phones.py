"""A phone that nobody used for long may have a new owner."""

from contextlib import suppress
from datetime import timedelta

import pytest

from application.identities.events import IdentityDetached, IdentityRestored, LoginSucceeded
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import StorageError, StorageUnavailable
from application.principal import Principal
from domain.errors import Unauthenticated, UserNotFound
from domain.identities.role import Role
from tests.support.acts import BY_COMMAND
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness
from tests.support.core_policy import make_core_policy

LOGIN = [
    "phone_verifications.load",
    "phone_verifications.save",
    "identities.load",
    "identities.replace",
    "identities.add",
    "limit_store.release",
]


@pytest.fixture
def app() -> CoreHarness:
    return CoreHarness(policy=make_core_policy(recycled_after=timedelta(days=100)))


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


async def leave_unused(app: CoreHarness) -> str:
    """Request a code for a phone that nobody used for long, and return its identity."""
    before, _ = await create_owner(app)
    app.advance(days=101)
    await app.request_otp()
    app.faults.reset()
    return before.identity.id


@pytest.mark.parametrize("operation", LOGIN)
@pytest.mark.parametrize("after", [None, "identities.replace"], ids=["detaching", "detached"])
@pytest.mark.parametrize("is_undone", [False, True])
async def test_an_interrupted_detachment_is_completed_or_undone_by_an_operator(
    app: CoreHarness, operation: str, after: str | None, is_undone: bool
) -> None:
    before_id = await leave_unused(app)
    app.faults.fail_on(operation, after=after)
    result = None
    with suppress(StorageError):
        result = await app.verify_otp(app.last_code)
    app.faults.reset()
    if is_undone and app.database.identities[before_id].value.detached_at:
        await app.identities.operator_actions.restore(before_id, BY_COMMAND.check_identity)
        assert (await principal_of(app, await app.open_session())).identity.id == before_id
        return

    result = result or await app.verify_otp(app.last_code)

    if isinstance(result, OtpRejected):
        result = await app.open_session()
    after_id = (await principal_of(app, result)).identity.id
    assert set(app.database.identities) == {before_id, after_id} != {before_id}
    assert len(app.database.identities[after_id].value.sessions) == 1


async def test_an_operator_restores_a_detached_identity_and_no_other(app: CoreHarness) -> None:
    before, _ = await create_owner(app)
    for user_id in (before.identity.id, "0" * 24):
        with pytest.raises(UserNotFound):
            await app.identities.operator_actions.restore(user_id, BY_COMMAND.check_identity)
    app.advance(days=101)
    stranger = await app.open_session()
    await app.identities.operator_actions.restore(before.identity.id, BY_COMMAND.check_identity)
    with pytest.raises(Unauthenticated):
        await principal_of(app, stranger)
    after = await principal_of(app, await app.open_session())
    assert after.identity.id == before.identity.id
    assert app.events.types[-1] is LoginSucceeded
    assert IdentityRestored in app.events.types


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        *((operation, None) for operation in LOGIN[:4]),
        ("phone_verifications.save", "identities.replace"),
        ("identities.load", "identities.replace"),
        ("identities.replace", "identities.replace"),
    ],
)
async def test_an_interrupted_restoration_is_completed(
    app: CoreHarness, operation: str, after: str | None
) -> None:
    before_id = await leave_unused(app)
    await app.open_session()
    app.faults.fail_on(operation, after=after)
    with pytest.raises(StorageUnavailable):
        await app.identities.operator_actions.restore(before_id, BY_COMMAND.check_identity)
    app.faults.reset()
    await app.identities.operator_actions.restore(before_id, BY_COMMAND.check_identity)
    assert (await principal_of(app, await app.open_session())).identity.id == before_id
