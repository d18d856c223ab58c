"""A change that is interrupted at any call is completed, never half done."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from application.otp.log_in import LoggedIn
from application.ports.errors import PortError
from application.principal import Principal
from domain.errors import AuditFailed
from domain.identities.identity import Identity
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    identity_of,
    notified,
    record_of,
    request_codes,
    sign_in,
)

Start = Callable[[], Awaitable[tuple[AppHarness, Act, Principal]]]


async def start_change() -> tuple[AppHarness, Act, Principal]:
    """Return the act by which a user changes the number."""
    app = AppHarness()
    user = await app.add_user(OLD)
    command = await request_codes(app, user)

    async def act() -> Identity:
        current = replace(user, identity=identity_of(app, user))
        return await app.phone_change.change_phone(current, command)

    return app, act, user


async def start_change_of_detached() -> tuple[AppHarness, Act, Principal]:
    """Return the act by which an operator gives an account a number that has none."""
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    user = await app.add_user(OLD)
    app.advance(days=101)
    await app.log_in(OLD)
    return app, partial(app.move_phone, user.identity.id, NEW), user


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.KILLED], ids=["retry", "cleanup"])
@pytest.mark.parametrize(
    ("start", "former", "told"),
    [(start_change, OLD, [OLD]), (start_change_of_detached, None, [])],
    ids=["by its owner", "of a detached account"],
)
async def test_a_change_interrupted_at_any_call_is_completed(
    start: Start, former: PhoneNumber | None, told: list[PhoneNumber], fault: Fault
) -> None:
    """A retry completes it after a lost response, and the cleanup after a kill."""
    outcomes = set()
    async for app, act, user in at_each_operation(start, fault):
        interrupted = identity_of(app, user)
        await check_new_number(app, user)
        if fault is Fault.LOST:
            app.advance(seconds=5)
            if not (former is None and interrupted.phone == NEW):  # "has this number already"
                await act()
        app.advance(minutes=3)  # a process that sent the message is taken for dead
        await app.operations.cleanup()
        identity = identity_of(app, user)
        outcomes.add(identity.phone == NEW)
        assert identity.phone_change is None
        if identity.phone != NEW:
            assert interrupted.phone_change is None
            assert fault is Fault.KILLED
            continue
        assert set(notified(app)) == set(told)
        assert identity.devices == ()
        assert len(identity.sessions) == len(told)  # that of the request
        assert record_of(app, NEW).identity_id == identity.id
        if former is not None:
            old = record_of(app, former)
            assert (old.identity_id, old.challenges.all, old.trusted_ips) == (None, (), ())
        assert (await sign_in(app, NEW)).identity.id == identity.id
    assert outcomes == ({True} if fault is Fault.LOST else {True, False})


async def check_new_number(app: AppHarness, user: Principal) -> None:
    """Until the identity has it, and the number points to it, a sign-in gets no session of it."""
    identity, before = identity_of(app, user), record_of_or_none(app, NEW)
    if identity.phone_change is None or identity.phone == NEW or before != identity.id:
        return
    app.advance(seconds=20)
    await app.request_otp(NEW)
    assert not isinstance(await app.verify_otp(app.last_code, NEW), LoggedIn)
    assert record_of(app, NEW).identity_id == identity.id


def record_of_or_none(app: AppHarness, phone: PhoneNumber) -> str | None:
    stored = app.database.phone_verifications
    return stored[phone].value.identity_id if phone in stored else None


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
    assert (identity.phone, identity.phone_change) == (OLD, None)
