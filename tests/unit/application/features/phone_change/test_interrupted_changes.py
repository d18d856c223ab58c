"""Changes and undos that are killed at any step are completed by a retry or by the cleanup."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import PortError
from application.principal import Principal
from domain.errors import AuditFailed
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneNotice
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    add_user_with_new_number,
    identity_of,
    make_command,
    record_of,
    request_code,
    sign_in,
)
from tests.unit.application.features.phone_change.test_undo_phone_change import by_notice

Start = Callable[[], Awaitable[tuple[AppHarness, Act, Principal]]]


async def start_change(*, with_old: bool = False) -> tuple[AppHarness, Act, Principal]:
    """Return the act that changes the phone, with a code of the present number too or without."""
    app = AppHarness()
    user = await app.add_user(OLD)
    old = await request_code(app, user, None) if with_old else None
    code = await request_code(app, user)

    async def act() -> Identity:
        current = replace(user, identity=identity_of(app, user))
        return await app.phone_change.change_phone(current, make_command(code, old))

    return app, act, user


async def start_undo() -> tuple[AppHarness, Act, Principal]:
    """Return the act that undoes a change by the code in its message."""
    app = AppHarness()
    user = await add_user_with_new_number(app)
    return app, await by_notice(app, OLD), user


async def sign_in_at_once(app: AppHarness, phone: PhoneNumber) -> LoggedIn | OtpRejected:
    app.advance(minutes=1)
    await app.request_otp(phone)
    return await app.verify_otp(app.last_code, phone)


@pytest.mark.parametrize(
    ("start", "new_phone", "old_phone"),
    [
        pytest.param(partial(start_change, with_old=True), NEW, OLD, marks=pytest.mark.slow),
        (start_undo, OLD, NEW),
    ],
    ids=["change", "undo"],
)
async def test_a_change_interrupted_at_any_call_is_completed_by_a_retry(
    start: Start, new_phone: PhoneNumber, old_phone: PhoneNumber
) -> None:
    async for app, act, user in at_each_operation(start, Fault.LOST):
        app.advance(seconds=5)
        await act()
        assert identity_of(app, user).phone == new_phone
        assert record_of(app, old_phone).identity_id is None
        await send_message_later(app)
        await check_completed(app, user, new_phone, is_held=False)


@pytest.mark.parametrize(
    ("start", "new_phone", "is_held"),
    [(start_change, NEW, True), (start_undo, OLD, False)],
    ids=["change", "undo"],
)
async def test_a_change_interrupted_at_any_call_is_completed_by_the_cleanup(
    start: Start, new_phone: PhoneNumber, is_held: bool
) -> None:
    outcomes = set()
    async for app, _, user in at_each_operation(start, Fault.KILLED):
        is_begun = identity_of(app, user).phone_changes.under_way is not None
        await send_message_later(app)
        is_changed = identity_of(app, user).phone == new_phone
        assert is_changed or not is_begun
        outcomes.add(is_changed)
        if is_changed:
            await check_completed(app, user, new_phone, is_held=is_held)
    assert outcomes == {True, False}


async def test_until_the_identity_has_it_the_new_number_signs_nobody_in() -> None:
    async for app, _, user in at_each_operation(start_change, Fault.KILLED):
        identity = identity_of(app, user)
        result = await sign_in_at_once(app, NEW)
        if identity.phone == NEW:
            assert isinstance(result, LoggedIn)
            assert result.identity.id == user.identity.id
        elif identity.phone_changes.under_way is not None:
            assert identity_of(app, user).sessions == identity.sessions
            if isinstance(result, LoggedIn):  # the record did not point to the identity yet
                assert result.identity.id != user.identity.id


async def test_the_audit_has_a_change_as_failed_only_if_it_ended_without_effect() -> None:
    for operation, is_failed in (("identities.replace", True), ("identities.replace_phone", False)):
        app, act, _ = await start_change()
        app.faults.fail_on(operation)
        with pytest.raises(PortError):
            await act()
        app.faults.reset()
        assert len(app.database.audit_entries) == (2 if is_failed else 1)


async def test_nothing_is_done_without_an_audit_entry() -> None:
    app, act, user = await start_change()
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await act()
    identity = identity_of(app, user)
    assert (identity.phone, identity.phone_changes.under_way) == (OLD, None)


async def send_message_later(app: AppHarness) -> None:
    """Run the cleanup when a process that sent the message is taken for dead."""
    app.advance(minutes=3)
    await app.operations.cleanup()


async def check_completed(
    app: AppHarness, user: Principal, new_phone: PhoneNumber, *, is_held: bool
) -> None:
    """The account has the new number alone, and the session of the change, but none of an undo."""
    old_phone, kept = OLD, [user.session.id]
    notices = [(OLD, PhoneNotice.PHONE_CHANGED), (NEW, PhoneNotice.PHONE_ASSIGNED)]
    if new_phone == OLD:
        old_phone, kept, notices = NEW, [], [(NEW, PhoneNotice.PHONE_CHANGE_UNDONE)]
    identity, old = identity_of(app, user), record_of(app, old_phone)
    assert (identity.phone, identity.phone_changes.under_way, identity.devices) == (
        new_phone,
        None,
        (),
    )
    assert [session.id for session in identity.sessions] == kept
    assert record_of(app, new_phone).identity_id == identity.id
    assert (old.identity_id, old.challenges.all) == (None, ())
    assert bool(old.trusted_ips) == is_held
    assert (old.hold.identity_id is not None) is is_held
    for phone, notice in notices:
        assert any(notice in text for to, text in app.messenger.messages if to == phone), notice
    assert (await sign_in(app, new_phone)).identity.id == identity.id
