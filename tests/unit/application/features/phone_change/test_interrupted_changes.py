"""A change that is interrupted at any call, or meets another act there, is whole or nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from application.otp.log_in import LoggedIn, OtpRejected
from application.ports.errors import PortError
from application.principal import Principal
from domain.administration.scopes import Scope
from domain.errors import AuditFailed, Forbidden, PhoneInUse
from domain.identities.identity import Identity
from domain.phone import PhoneNumber
from tests.support.acts import REASON, a_token
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import (
    Act,
    Attempt,
    Fault,
    at_each_operation,
    before_each_operation,
)
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
    identity, stored = identity_of(app, user), app.database.phone_verifications
    owner = stored[NEW].value.identity_id if NEW in stored else None
    if identity.phone_change is None or identity.phone == NEW or owner != identity.id:
        return
    app.advance(seconds=20)
    await app.request_otp(NEW)
    assert not isinstance(await app.verify_otp(app.last_code, NEW), LoggedIn)
    assert record_of(app, NEW).identity_id == identity.id


async def test_the_audit_has_a_change_as_failed_only_if_it_ended_without_effect() -> None:
    for operation, entries in (
        ("audit_log.add", 0),
        ("identities.replace", 2),
        ("identities.replace_phone", 1),
    ):
        app, act, user = await start_change()
        app.faults.fail_on(operation)
        with pytest.raises((AuditFailed, PortError)):
            await act()
        app.faults.reset()
        assert len(app.database.audit_entries) == entries
        assert identity_of(app, user).phone == OLD


async def test_while_a_change_is_under_way_both_numbers_are_those_of_an_administrator() -> None:
    async def start() -> tuple[AppHarness, Act, Principal]:
        app = AppHarness()
        principal = await app.add_administrator(OLD)
        await app.create_user(principal)
        user = await app.log_in(OLD)
        command = await request_codes(app, user)
        return app, lambda: app.phone_change.change_phone(user, command), user

    steps = set()
    async for app, _, user in at_each_operation(start, Fault.KILLED):
        identity = identity_of(app, user)
        steps.add(identity.phone_change.step if identity.phone_change else None)
        for phone in (OLD, NEW):
            stored = app.database.phone_verifications
            if phone in stored and record_of(app, phone).identity_id == identity.id:
                act = app.administration.act_for_users.reset_limits
                with pytest.raises(Forbidden):  # no service token may act on it
                    await act(a_token(*Scope), phone, REASON)
    assert len(steps) == 4


def check_owners(app: AppHarness) -> None:
    """Each number belongs to one identity at most, and each open identity has its number."""
    for identity in [stored.value for stored in app.database.identities.values()]:
        if not identity.is_closed:
            assert identity.phone is not None
            assert record_of(app, identity.phone).identity_id == identity.id
            assert identity.phone_change is None


async def make_change(app: AppHarness, user: Principal) -> Act:
    command = await request_codes(app, user)
    return lambda: app.phone_change.change_phone(user, command)


Race = tuple[AppHarness, Attempt, Attempt, Principal]
"""The service, the change, the act that meets it, and the user."""
ORDERS = pytest.mark.parametrize(
    "is_swapped", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["in it", "in a change"]
)


def meeting_a_login(phone: PhoneNumber) -> Callable[[], Awaitable[Race]]:
    """Return how a change begins that meets a login with this number."""

    async def start() -> Race:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = Attempt(await make_change(app, user))
        app.advance(minutes=1)
        await app.request_otp(phone)
        return app, change, Attempt(partial(app.verify_otp, app.last_code, phone)), user

    return start


@ORDERS
async def test_a_change_and_a_login_give_the_number_to_one_of_them(is_swapped: bool) -> None:
    start = meeting_a_login(NEW)
    async for app, change, log_in, user in before_each_operation(start, is_swapped=is_swapped):
        if isinstance(change.result, PhoneInUse):
            assert isinstance(log_in.result, LoggedIn)
            assert log_in.result.identity.id != user.identity.id
        else:
            assert isinstance(change.result, Identity)
            if isinstance(log_in.result, LoggedIn):
                assert log_in.result.identity.id == user.identity.id
        check_owners(app)


@ORDERS
async def test_a_login_with_the_old_number_does_not_outlive_the_change(is_swapped: bool) -> None:
    start = meeting_a_login(OLD)
    async for app, change, log_in, user in before_each_operation(start, is_swapped=is_swapped):
        assert isinstance(change.result, Identity)
        assert isinstance(log_in.result, LoggedIn | OtpRejected)
        sessions = identity_of(app, user).sessions
        assert [session.id for session in sessions] == [user.session.id]
        check_owners(app)
