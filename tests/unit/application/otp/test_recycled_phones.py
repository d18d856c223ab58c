"""A phone that nobody used for long may have a new owner."""

from contextlib import suppress
from datetime import timedelta

import pytest

from application.identities.users import CreateUserCommand
from application.otp.verify_otp import LoggedIn, OtpRejected
from application.ports.errors import StorageError
from application.ports.security_events import SecurityEventType
from application.ports.versioned import Versioned
from application.principal import Principal
from application.wiring import Policy
from domain.errors import Unauthenticated, UserNotFound
from domain.identities.device_token import DeviceToken
from domain.identities.username import parse_username
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone

NAME = "Rahul"


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=Policy(recycled_after=timedelta(days=100)))


async def log_in(app: AppHarness, device_token: DeviceToken | None = None) -> LoggedIn:
    await app.request_otp(device_token=device_token)
    result = await app.verify_otp(app.last_code, device_token=device_token)
    assert isinstance(result, LoggedIn)
    return result


async def principal_of(app: AppHarness, logged_in: LoggedIn) -> Principal:
    return await app.use_cases.authenticate(logged_in.tokens.access_token)


async def create_owner(app: AppHarness) -> tuple[Principal, LoggedIn]:
    """Log in and create a user."""
    logged_in = await log_in(app)
    principal = await principal_of(app, logged_in)
    await app.use_cases.create_user(CreateUserCommand(principal, parse_username(NAME), a_phone()))
    return principal, logged_in


async def test_an_unused_phone_gets_a_new_identity(app: AppHarness) -> None:
    before, _ = await create_owner(app)
    app.advance(days=101)
    after = await principal_of(app, await log_in(app))
    assert after.identity.id != before.identity.id
    assert after.identity.user is None
    detached = app.database.identities[before.identity.id].value
    assert (detached.sessions, detached.devices, detached.phone) == ((), (), a_phone())
    assert app.database.phone_verifications[a_phone()].value.identity_id == after.identity.id
    assert SecurityEventType.IDENTITY_DETACHED in [event.type for event in app.events.emitted]
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(before.identity.id)
    await app.use_cases.create_user(CreateUserCommand(after, parse_username(NAME), a_phone()))


async def test_a_new_identity_is_kept_at_the_next_login(app: AppHarness) -> None:
    await create_owner(app)
    app.advance(days=101)
    first = await principal_of(app, await log_in(app))
    app.advance(days=1)
    assert (await principal_of(app, await log_in(app))).identity.id == first.identity.id


async def test_a_device_token_proves_continuity(app: AppHarness) -> None:
    before, logged_in = await create_owner(app)
    app.advance(days=101)
    after = await principal_of(app, await log_in(app, logged_in.device_token))
    assert after.identity.id == before.identity.id


async def test_without_the_setting_an_identity_is_kept() -> None:
    app = AppHarness()
    before, _ = await create_owner(app)
    app.advance(days=3650)
    assert (await principal_of(app, await log_in(app))).identity.id == before.identity.id


async def test_a_use_of_a_session_that_ended_since_counts(app: AppHarness) -> None:
    before, logged_in = await create_owner(app)
    app.advance(days=60)
    await principal_of(app, logged_in)
    await app.use_cases.revoke_phone_sessions(a_phone())
    app.advance(days=60)
    assert (await principal_of(app, await log_in(app))).identity.id == before.identity.id


async def test_a_detachment_interrupted_at_any_call_is_completed() -> None:
    for step in range(1, 40):
        app = AppHarness(policy=Policy(recycled_after=timedelta(days=100)))
        before, _ = await create_owner(app)
        app.advance(days=101)
        await app.request_otp()
        app.faults.fail_at(step)
        try:
            result = await app.verify_otp(app.last_code)
        except StorageError:
            app.faults.reset()
            result = await app.verify_otp(app.last_code)
        if not app.faults.has_fired and len(app.faults.calls) < step and step > 10:
            break
        if isinstance(result, OtpRejected):
            result = await log_in(app)
        after = await principal_of(app, result)
        assert after.identity.id != before.identity.id
        assert len(app.database.identities) == 2
        assert len(after.identity.sessions) == 1


async def test_an_operator_restores_a_detached_identity(app: AppHarness) -> None:
    before, _ = await create_owner(app)
    app.advance(days=101)
    stranger = await log_in(app)
    await app.use_cases.restore_identity(before.identity.id)
    with pytest.raises(Unauthenticated):
        await principal_of(app, stranger)
    after = await principal_of(app, await log_in(app))
    assert after.identity.id == before.identity.id
    assert app.events.emitted[-1].type is SecurityEventType.LOGIN_SUCCEEDED
    assert SecurityEventType.IDENTITY_RESTORED in [event.type for event in app.events.emitted]


async def test_a_restoration_interrupted_at_any_call_is_completed() -> None:
    for step in range(1, 10):
        app = AppHarness(policy=Policy(recycled_after=timedelta(days=100)))
        before, _ = await create_owner(app)
        app.advance(days=101)
        await log_in(app)
        app.faults.fail_at(step)
        try:
            await app.use_cases.restore_identity(before.identity.id)
        except StorageError:
            app.faults.reset()
            await app.use_cases.restore_identity(before.identity.id)
        after = await principal_of(app, await log_in(app))
        assert after.identity.id == before.identity.id


async def test_a_restoration_wins_over_a_login_that_was_interrupted_at_any_call() -> None:
    restored = 0
    for step in range(1, 20):
        app = AppHarness(policy=Policy(recycled_after=timedelta(days=100)))
        before, _ = await create_owner(app)
        app.advance(days=101)
        await app.request_otp()
        app.faults.fail_at(step)
        with suppress(StorageError):
            await app.verify_otp(app.last_code)
        app.faults.reset()
        if app.database.identities[before.identity.id].value.detached_at is None:
            continue
        await app.use_cases.restore_identity(before.identity.id)
        after = await principal_of(app, await log_in(app))
        assert after.identity.id == before.identity.id
        restored += 1
    assert restored > 3


async def test_an_identity_is_restored_to_a_phone_that_has_no_other(app: AppHarness) -> None:
    before, _ = await create_owner(app)
    app.advance(days=101)
    await log_in(app)
    stored = app.database.phone_verifications[a_phone()]
    app.database.phone_verifications[a_phone()] = Versioned(
        stored.value.assign_identity(None), stored.version
    )
    await app.use_cases.restore_identity(before.identity.id)
    after = await principal_of(app, await log_in(app))
    assert after.identity.id == before.identity.id


async def test_only_a_detached_identity_is_restored(app: AppHarness) -> None:
    principal, _ = await create_owner(app)
    for user_id in (principal.identity.id, "0" * 24):
        with pytest.raises(UserNotFound):
            await app.use_cases.restore_identity(user_id)
