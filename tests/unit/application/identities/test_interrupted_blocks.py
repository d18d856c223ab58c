"""Blocks and unblocks that are interrupted, or run at the same time as a login."""

from collections.abc import Awaitable, Callable

import pytest

from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import StorageUnavailable
from domain.errors import Unauthenticated
from domain.phone import PhoneNumber
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness
from tests.support.fault_injector import ProcessKilled

FAULTS = pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
CHANGE = ["phone_verifications.load", "phone_verifications.save", "identities.load"]
BLOCK = [*CHANGE, "identities.replace"]
FIRST_BLOCK = [*CHANGE, "identities.add"]
LOGIN = [*BLOCK, "identities.add", "limit_store.acquire", "limit_store.release"]


async def interrupt(
    app: CoreHarness,
    change: Callable[[PhoneNumber], Awaitable[None]],
    operation: str,
    *,
    kill: bool,
) -> None:
    app.faults.fail_on(operation, kill=kill)
    with pytest.raises(ProcessKilled if kill else StorageUnavailable):
        await change(a_phone())
    app.faults.reset()


async def is_blocked(app: CoreHarness) -> bool:
    """Return whether nothing is delivered and no code is correct."""
    app.advance(hours=12)
    messages = len(app.messenger.messages)
    await app.request_otp()
    challenge = app.database.phone_verifications[a_phone()].value.challenges.all[-1]
    result = await app.verify_otp(app.code_of(challenge))
    return len(app.messenger.messages) == messages and isinstance(result, OtpRejected)


@FAULTS
@pytest.mark.parametrize("operation", BLOCK)
async def test_an_interrupted_block_is_completed_by_the_next_and_can_be_undone(
    app: CoreHarness, operation: str, kill: bool
) -> None:
    token = await app.access_token()
    await interrupt(app, app.identities.operator_actions.block, operation, kill=kill)
    await app.identities.operator_actions.unblock(a_phone())
    await app.access_token()
    await interrupt(app, app.identities.operator_actions.block, operation, kill=kill)

    await app.identities.operator_actions.block(a_phone())

    assert set(app.faults.calls) <= set(BLOCK)
    with pytest.raises(Unauthenticated):
        await app.identities.authenticate(token)
    assert await is_blocked(app)


@FAULTS
@pytest.mark.parametrize("is_repeated", [True, False])
@pytest.mark.parametrize("operation", FIRST_BLOCK)
async def test_a_block_is_completed_if_the_identity_did_not_exist_yet(
    app: CoreHarness, operation: str, kill: bool, is_repeated: bool
) -> None:
    await app.request_otp()
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code)
    assert app.database.identities == {}
    await interrupt(app, app.identities.operator_actions.block, operation, kill=kill)

    if is_repeated:
        await app.identities.operator_actions.block(a_phone())
        (identity,) = app.database.identities.values()
        assert identity.value.is_blocked
    identity_id = app.database.phone_verifications[a_phone()].value.identity_id
    await app.identities.operator_actions.unblock(a_phone())
    assert (await app.log_in()).identity.id == identity_id


@FAULTS
@pytest.mark.parametrize("operation", BLOCK)
async def test_an_interrupted_unblock_lets_nobody_in_until_it_is_repeated(
    app: CoreHarness, operation: str, kill: bool
) -> None:
    await app.access_token()
    await app.identities.operator_actions.block(a_phone())
    await interrupt(app, app.identities.operator_actions.unblock, operation, kill=kill)
    assert await is_blocked(app)

    await app.identities.operator_actions.unblock(a_phone())

    await app.access_token()


# At the same time as a login


@pytest.fixture(params=["new", "known", "deleted"])
async def requested(request: pytest.FixtureRequest, app: CoreHarness) -> CoreHarness:
    """Request a code for a phone without identity, with one, or with a deleted one."""
    if request.param != "new":
        principal = await app.log_in()
        if request.param == "deleted":
            await app.identities.delete_user(principal)
    app.advance(hours=12)
    await app.request_otp()
    return app


async def run_before(
    app: CoreHarness,
    operation: str,
    first: Callable[[], Awaitable[object]],
    then: Callable[[], Awaitable[object]],
) -> None:
    """Run the first action before an operation of the second, or after it if there is none."""
    app.faults.run_before(operation, first)
    await then()
    if not app.faults.has_fired:
        app.faults.reset()
        await first()


@pytest.mark.parametrize("operation", LOGIN)
@pytest.mark.parametrize("is_block_first", [True, False])
async def test_a_block_and_a_login_at_the_same_time_leave_no_session(
    requested: CoreHarness, operation: str, is_block_first: bool
) -> None:
    app, results = requested, list[LoggedIn | OtpRejected]()

    async def block() -> None:
        await app.identities.operator_actions.block(a_phone())

    async def log_in() -> None:
        results.append(await app.verify_otp(app.last_code))

    actions = (block, log_in) if is_block_first else (log_in, block)
    await run_before(app, operation, *actions)

    (result,) = results
    if isinstance(result, LoggedIn):
        with pytest.raises(Unauthenticated):
            await app.identities.authenticate(result.tokens.access_token)
    assert all(identity.value.sessions == () for identity in app.database.identities.values())
    assert app.database.phone_verifications[a_phone()].value.blocked_at
    await app.identities.operator_actions.unblock(a_phone())
    await app.access_token()


@pytest.mark.parametrize("operation", LOGIN)
async def test_block_and_unblock_during_a_login_leave_a_phone_that_can_log_in(
    requested: CoreHarness, operation: str
) -> None:
    app = requested

    async def block_and_unblock() -> None:
        await app.identities.operator_actions.block(a_phone())
        await app.identities.operator_actions.unblock(a_phone())

    await run_before(app, operation, block_and_unblock, lambda: app.verify_otp(app.last_code))

    await app.access_token()
