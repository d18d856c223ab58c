"""Changes and undos that are killed at any step are completed by a retry or by the cleanup."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from application.identities.login import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import PortError
from application.principal import Principal
from domain.errors import AuditFailed, DomainError
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneNotice
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.fault_injector import ProcessKilled
from tests.unit.application.phone_change.phone_changes import (
    NEW,
    OLD,
    change_phone,
    make_command,
    make_undo,
    record_of,
    request_code,
    request_undo_code,
    sign_in,
)

FAULTS = pytest.mark.parametrize(
    ("kill", "is_done"),
    [(False, False), (False, True), (True, False)],
    ids=["fails", "lost", "killed"],
)
Act = Callable[[], Awaitable[object]]


async def start_change(*, with_old: bool = False) -> tuple[AppHarness, Principal, Act]:
    """Return the act that changes the phone, with a code of the present number too or without."""
    app = AppHarness()
    user = await app.add_user(OLD)
    old = await request_code(app, user, None) if with_old else None
    code = await request_code(app, user)

    async def act() -> Identity:
        loaded = await app.database.repositories().identities.load(user.identity.id)
        assert loaded is not None
        current = replace(user, identity=loaded.value)
        return await app.phone_change.change_phone(current, make_command(code, old))

    return app, user, act


async def start_undo() -> tuple[AppHarness, Principal, Act]:
    """Return the act that undoes a change."""
    app = AppHarness()
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(hours=1)
    result = await request_undo_code(app)
    command = make_undo(app.last_code, result.request_id)
    return app, user, lambda: app.phone_change.undo(command)


async def interrupt(app: AppHarness, act: Act, call: int, *, kill: bool, is_done: bool) -> bool:
    """Interrupt an act at a call. Return whether it has fewer calls."""
    app.faults.fail_at(call, kill=kill, is_done=is_done)
    with suppress(ProcessKilled, PortError, DomainError):
        await act()
    has_fired = app.faults.has_fired
    app.faults.reset()
    return not has_fired


def is_replaced(app: AppHarness, user: Principal) -> bool:
    """Return whether the third write was done."""
    return app.database.identities[user.identity.id].value.phone == NEW


async def sign_in_at_once(app: AppHarness, phone: PhoneNumber) -> LoggedIn | OtpRejected:
    app.advance(minutes=1)
    await app.request_otp(phone)
    return await app.verify_otp(app.last_code, phone)


@FAULTS
async def test_a_change_interrupted_at_any_call_is_completed_by_a_retry(
    kill: bool, is_done: bool
) -> None:
    for call in count(1):
        app, user, act = await start_change(with_old=True)
        if await interrupt(app, act, call, kill=kill, is_done=is_done):
            break
        app.advance(seconds=5)
        await act()
        assert is_replaced(app, user)
        assert record_of(app, OLD).identity_id is None
        await send_message_later(app)
        await check_changed(app, user, held=False)
    assert call > 20


@FAULTS
async def test_a_change_interrupted_at_any_call_is_completed_by_the_cleanup(
    kill: bool, is_done: bool
) -> None:
    outcomes = set()
    for call in count(1):
        app, user, act = await start_change()
        if await interrupt(app, act, call, kill=kill, is_done=is_done):
            break
        is_begun = app.database.identities[user.identity.id].value.phone_change is not None
        await send_message_later(app)
        is_changed = is_replaced(app, user)
        assert is_changed or not is_begun
        outcomes.add(is_changed)
        if is_changed:
            await check_changed(app, user, held=True)
    assert outcomes == {True, False}


@FAULTS
async def test_until_the_identity_has_it_the_new_number_signs_nobody_in(
    kill: bool, is_done: bool
) -> None:
    for call in count(1):
        app, user, act = await start_change()
        if await interrupt(app, act, call, kill=kill, is_done=is_done):
            break
        identity = app.database.identities[user.identity.id].value
        is_done_now = is_replaced(app, user)
        result = await sign_in_at_once(app, NEW)
        if is_done_now:
            assert isinstance(result, LoggedIn)
            assert result.identity.id == user.identity.id
        elif identity.phone_change is not None:
            assert app.database.identities[user.identity.id].value.sessions == identity.sessions
            if isinstance(result, LoggedIn):  # the record did not point to the identity yet
                assert result.identity.id != user.identity.id


@FAULTS
async def test_an_undo_interrupted_at_any_call_is_completed_by_a_retry(
    kill: bool, is_done: bool
) -> None:
    for call in count(1):
        app, user, act = await start_undo()
        if await interrupt(app, act, call, kill=kill, is_done=is_done):
            break
        app.advance(seconds=5)
        await act()
        assert record_of(app, NEW).identity_id is None
        await send_message_later(app)
        await check_undone(app, user)
    assert call > 15


@FAULTS
async def test_an_undo_interrupted_at_any_call_is_completed_by_the_cleanup(
    kill: bool, is_done: bool
) -> None:
    for call in count(1):
        app, user, act = await start_undo()
        if await interrupt(app, act, call, kill=kill, is_done=is_done):
            break
        is_begun = app.database.identities[user.identity.id].value.phone_change is not None
        await send_message_later(app)
        if is_begun or not is_replaced(app, user):
            await check_undone(app, user)


async def test_the_audit_has_a_change_as_failed_only_if_it_ended_without_effect() -> None:
    for operation, is_failed in (("identities.replace", True), ("identities.replace_phone", False)):
        app, _, act = await start_change()
        app.faults.fail_on(operation)
        with pytest.raises(PortError):
            await act()
        app.faults.reset()
        assert len(app.database.audit_entries) == (2 if is_failed else 1)


async def test_nothing_is_done_without_an_audit_entry() -> None:
    app, user, act = await start_change()
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await act()
    identity = app.database.identities[user.identity.id].value
    assert (identity.phone, identity.phone_change) == (OLD, None)


async def send_message_later(app: AppHarness) -> None:
    """Run the cleanup when a process that sent the message is taken for dead."""
    app.advance(minutes=3)
    await app.operations.cleanup()


async def check_changed(app: AppHarness, user: Principal, *, held: bool) -> None:
    identity = app.database.identities[user.identity.id].value
    assert (identity.phone, identity.phone_change, identity.devices) == (NEW, None, ())
    assert [session.id for session in identity.sessions] == [user.session.id]
    assert record_of(app, NEW).identity_id == identity.id
    old = record_of(app, OLD)
    assert (old.identity_id, old.challenges, old.trusted_ips) == (None, (), ())
    assert (old.previous_identity_id is not None) is held
    notices = [text for phone, text in app.messenger.messages if PhoneNotice.PHONE_CHANGED in text]
    assert notices
    assert (await sign_in(app, NEW)).identity.id == identity.id


async def check_undone(app: AppHarness, user: Principal) -> None:
    identity = app.database.identities[user.identity.id].value
    assert (identity.phone, identity.phone_change, identity.sessions) == (OLD, None, ())
    assert record_of(app, OLD).identity_id == identity.id
    new = record_of(app, NEW)
    assert (new.identity_id, new.previous_identity_id) == (None, None)
    assert any(PhoneNotice.PHONE_CHANGE_UNDONE in text for _, text in app.messenger.messages)
    assert (await sign_in(app, OLD)).identity.id == identity.id
