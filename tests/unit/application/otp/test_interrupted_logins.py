"""A login whose session was not saved is completed by the same code, once."""

from contextlib import suppress

import pytest

from application.identities.login import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import StorageTimeout, StorageUnavailable
from application.principal import Principal
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness
from tests.support.fault_injector import ProcessKilled

OTHER_IP = "198.51.100.20"
OPERATIONS = [
    "phone_verifications.load",
    "limit_store.acquire",
    "unchallenged_attempts.load",
    "phone_verifications.save",
    "identities.load",
    "identities.add",
    "identities.replace",
    "limit_store.release",
]


async def interrupt_login(app: CoreHarness, write: str = "identities.add") -> tuple[str, str]:
    """Fail the write that adds the session. Return the code and its request id."""
    if write == "identities.replace" and not app.database.identities:
        await app.log_in()
        app.advance(hours=12)
    request_id = (await app.request_otp()).request_id
    app.faults.fail_on(write)
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code, request_id=request_id)
    assert app.faults.has_fired
    app.faults.reset()
    return app.last_code, request_id


def identity_id(app: CoreHarness) -> str:
    """Return the id of the phone's identity."""
    assigned_id = app.database.phone_verifications[a_phone()].value.identity_id
    assert assigned_id is not None
    return assigned_id


def count_sessions(app: CoreHarness) -> int:
    """Return how many sessions the phone's identity has."""
    return len(app.database.identities[identity_id(app)].value.sessions)


@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_login_interrupted_at_any_operation_is_completed_or_was_saved(
    app: CoreHarness, operation: str, kill: bool
) -> None:
    sessions = int(operation == "identities.replace")
    for _ in range(sessions):
        await app.log_in()
    app.advance(hours=12)
    await app.request_otp()
    code = app.last_code
    app.faults.fail_on(operation, kill=kill)
    with suppress(StorageUnavailable, ProcessKilled):
        await app.verify_otp(code)
    assert app.faults.has_fired
    app.faults.reset()

    completed = await app.verify_otp(code)

    assert isinstance(completed, LoggedIn) or operation == "limit_store.release"
    assert count_sessions(app) == sessions + 1
    assert list(app.database.identities) == [identity_id(app)]
    assert set(app.faults.calls) <= set(OPERATIONS)


async def test_a_completed_login_is_not_replayed_and_a_revoked_session_not_opened_again(
    app: CoreHarness,
) -> None:
    code, request_id = await interrupt_login(app)
    await app.verify_otp(code)
    for _ in range(3):
        assert await app.verify_otp(code, request_id=request_id) == OtpRejected(4)
    assert count_sessions(app) == 1
    await app.identities.operator_actions.revoke_sessions(a_phone())
    assert isinstance(await app.verify_otp(code), OtpRejected)
    assert count_sessions(app) == 0


async def test_a_write_that_timed_out_but_was_applied_opens_no_second_session(
    app: CoreHarness,
) -> None:
    await app.request_otp()
    code = app.last_code
    app.faults.fail_on("identities.add", is_done=True)
    with pytest.raises(StorageTimeout):
        await app.verify_otp(code)
    assert count_sessions(app) == 1
    assert isinstance(await app.verify_otp(code), OtpRejected)
    assert count_sessions(app) == 1
    assert (await app.request_otp()).sent
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "blocked"])
async def test_a_blocked_phone_and_a_deleted_identity_get_no_interrupted_login(
    app: CoreHarness, is_deleted: bool
) -> None:
    principal = await app.log_in()
    app.advance(hours=12)
    code, _ = await interrupt_login(app, "identities.replace")
    if is_deleted:
        await app.identities.delete_user(principal)
    else:
        await app.identities.operator_actions.block(a_phone())
    assert isinstance(await app.verify_otp(code), OtpRejected)
    await app.identities.operator_actions.unblock(a_phone())
    assert isinstance(await app.log_in(), Principal)


async def test_the_new_identity_of_a_deleted_one_gets_the_interrupted_login(
    app: CoreHarness,
) -> None:
    principal = await app.log_in()
    await app.identities.delete_user(principal)
    app.advance(hours=12)
    code, _ = await interrupt_login(app)
    retried = await app.verify_otp(code)
    assert isinstance(retried, LoggedIn)
    again = await app.identities.authenticate(retried.tokens.access_token)
    assert again.identity.id != principal.identity.id
