"""Blocks and unblocks that are interrupted, or run at the same time as a login."""

from collections.abc import Awaitable, Callable

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from application.ports.errors import StorageUnavailable
from domain.errors import Unauthenticated
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.fault_injector import ProcessKilled

FAULTS = pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
BLOCK_STEPS = range(1, 5)
UNBLOCK_STEPS = range(1, 6)
LOGIN_STEPS = range(1, 10)
"""More than a login or a block has. An action at a step that is not reached runs afterwards."""


# Interrupted at each step


async def interrupt(
    app: AppHarness, change: Callable[[PhoneNumber], Awaitable[None]], step: int, *, kill: bool
) -> None:
    app.faults.fail_at(step, kill=kill)
    with pytest.raises(ProcessKilled if kill else StorageUnavailable):
        await change(a_phone())
    app.faults.reset()


async def interrupt_first_login(app: AppHarness) -> None:
    """Assign an identity to the phone that does not exist yet."""
    await app.request_otp()
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code)
    assert app.database.identities == {}


async def is_blocked(app: AppHarness) -> bool:
    """Return whether nothing is delivered and no code is correct."""
    app.advance(hours=12)
    messages = len(app.messenger.messages)
    await app.request_otp()
    challenge = app.database.phone_verifications[a_phone()].value.challenges[-1]
    pepper = app.otp_keys.find_key(challenge.key_id)
    assert pepper is not None
    result = await app.verify_otp(challenge.derive_code(pepper, a_phone()))
    return len(app.messenger.messages) == messages and isinstance(result, OtpRejected)


@FAULTS
@pytest.mark.parametrize("step", BLOCK_STEPS)
async def test_an_interrupted_block_is_completed_by_the_next(
    app: AppHarness, step: int, kill: bool
) -> None:
    token = await app.access_token()
    await interrupt(app, app.use_cases.block_phone, step, kill=kill)

    await app.use_cases.block_phone(a_phone())

    with pytest.raises(Unauthenticated):
        await app.use_cases.authenticate(token)
    assert await is_blocked(app)


@FAULTS
@pytest.mark.parametrize("step", BLOCK_STEPS)
async def test_an_interrupted_block_can_be_undone(app: AppHarness, step: int, kill: bool) -> None:
    await app.access_token()
    await interrupt(app, app.use_cases.block_phone, step, kill=kill)

    await app.use_cases.unblock_phone(a_phone())

    await app.access_token()


@FAULTS
@pytest.mark.parametrize("step", BLOCK_STEPS)
async def test_a_block_is_completed_if_the_identity_did_not_exist_yet(
    app: AppHarness, step: int, kill: bool
) -> None:
    await interrupt_first_login(app)
    await interrupt(app, app.use_cases.block_phone, step, kill=kill)

    await app.use_cases.block_phone(a_phone())

    (identity,) = app.database.identities.values()
    assert identity.value.is_blocked
    assert identity.value.id == app.database.phone_verifications[a_phone()].value.identity_id
    await app.use_cases.unblock_phone(a_phone())
    assert (await app.log_in()).identity.id == identity.value.id


@FAULTS
@pytest.mark.parametrize("step", UNBLOCK_STEPS)
async def test_an_interrupted_unblock_lets_nobody_in_until_it_is_repeated(
    app: AppHarness, step: int, kill: bool
) -> None:
    await app.access_token()
    await app.use_cases.block_phone(a_phone())
    await interrupt(app, app.use_cases.unblock_phone, step, kill=kill)
    assert await is_blocked(app)

    await app.use_cases.unblock_phone(a_phone())

    await app.access_token()


async def test_a_phone_whose_identity_was_never_created_can_be_unblocked(app: AppHarness) -> None:
    await interrupt_first_login(app)
    await interrupt(app, app.use_cases.block_phone, step=3, kill=True)

    await app.use_cases.unblock_phone(a_phone())

    assert (await app.log_in()).identity.id in app.database.identities


# At the same time as a login


async def new_phone(app: AppHarness) -> None:
    """Leave the phone without identity."""


async def known_phone(app: AppHarness) -> None:
    await app.access_token()


async def phone_of_a_deleted_identity(app: AppHarness) -> None:
    await app.use_cases.delete_user(await app.log_in())


@pytest.fixture(
    params=[new_phone, known_phone, phone_of_a_deleted_identity],
    ids=lambda prepare: prepare.__name__,
)
async def requested(request: pytest.FixtureRequest, app: AppHarness) -> AppHarness:
    """Request a code for the phone."""
    await request.param(app)
    app.advance(hours=12)
    await app.request_otp()
    return app


async def assert_blocked(app: AppHarness, results: list[LoggedIn | OtpRejected]) -> None:
    """Assert that no session is left, and that the phone can be unblocked."""
    (result,) = results
    if isinstance(result, LoggedIn):
        with pytest.raises(Unauthenticated):
            await app.use_cases.authenticate(result.tokens.access_token)
    assert all(identity.value.sessions == () for identity in app.database.identities.values())
    assert app.database.phone_verifications[a_phone()].value.blocked_at
    await app.use_cases.unblock_phone(a_phone())
    await app.access_token()


@pytest.mark.parametrize("step", LOGIN_STEPS)
async def test_a_block_during_a_login_leaves_no_session(requested: AppHarness, step: int) -> None:
    app = requested
    app.faults.run_at(step, lambda: app.use_cases.block_phone(a_phone()))

    result = await app.verify_otp(app.last_code)

    await app.faults.run_pending()
    await assert_blocked(app, [result])


@pytest.mark.parametrize("step", LOGIN_STEPS)
async def test_a_login_during_a_block_leaves_no_session(requested: AppHarness, step: int) -> None:
    app = requested
    results: list[LoggedIn | OtpRejected] = []

    async def log_in() -> None:
        results.append(await app.verify_otp(app.last_code))

    app.faults.run_at(step, log_in)

    await app.use_cases.block_phone(a_phone())

    await app.faults.run_pending()
    await assert_blocked(app, results)


@pytest.mark.parametrize("step", LOGIN_STEPS)
async def test_block_and_unblock_during_a_login_leave_a_phone_that_can_log_in(
    requested: AppHarness, step: int
) -> None:
    app = requested

    async def block_and_unblock() -> None:
        await app.use_cases.block_phone(a_phone())
        await app.use_cases.unblock_phone(a_phone())

    app.faults.run_at(step, block_and_unblock)

    await app.verify_otp(app.last_code)

    await app.faults.run_pending()
    await app.access_token()
