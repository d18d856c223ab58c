"""A change that meets another act before any of its calls."""

import asyncio
from functools import partial

import pytest

from application.identities.extensions import AllowLogin, PendingLogin, RejectLogin
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import ConcurrencyConflict
from application.principal import Principal
from domain.errors import DomainError, LoginRejected, PhoneInUse, Unauthenticated
from domain.identities.identity import Identity
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Attempt, before_each_operation
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    identity_of,
    record_of,
    request_codes,
)


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


@pytest.mark.slow
async def test_two_changes_to_one_number_give_it_to_one_of_them() -> None:
    async def start() -> tuple[AppHarness, Attempt, Attempt, list[Principal]]:
        app = AppHarness()
        users = [await app.add_user(OLD), await app.add_user(OTHER, "Another Name")]
        first = await make_change(app, users[0])
        app.advance(minutes=1)
        return app, Attempt(first), Attempt(await make_change(app, users[1])), users

    async for app, first, second, users in before_each_operation(start):
        assert len([user for user in users if identity_of(app, user).phone == NEW]) == 1
        in_use = [isinstance(change.result, PhoneInUse) for change in (first, second)]
        assert in_use.count(True) == 1
        check_owners(app)


@ORDERS
async def test_a_change_and_a_sign_in_give_the_number_to_one_of_them(is_swapped: bool) -> None:
    async def start() -> Race:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = Attempt(await make_change(app, user))
        app.advance(minutes=1)
        await app.request_otp(NEW)
        return app, change, Attempt(partial(app.verify_otp, app.last_code, NEW)), user

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
async def test_a_sign_in_with_the_old_number_does_not_outlive_the_change(is_swapped: bool) -> None:
    async def start() -> Race:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = Attempt(await make_change(app, user))
        app.advance(minutes=1)
        await app.request_otp(OLD)
        return app, change, Attempt(partial(app.verify_otp, app.last_code, OLD)), user

    async for app, change, log_in, user in before_each_operation(start, is_swapped=is_swapped):
        assert isinstance(change.result, Identity)
        assert isinstance(log_in.result, LoggedIn | OtpRejected)
        sessions = identity_of(app, user).sessions
        assert [session.id for session in sessions] == [user.session.id]
        check_owners(app)


@ORDERS
async def test_a_change_and_a_deletion_leave_both_numbers_free(is_swapped: bool) -> None:
    async def start() -> Race:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = Attempt(await make_change(app, user))
        return app, change, Attempt(partial(app.identities.delete_user, user)), user

    async for app, change, _, user in before_each_operation(start, is_swapped=is_swapped):
        assert isinstance(change.result, Identity | Unauthenticated)
        app.advance(hours=2)
        await app.operations.cleanup()
        for phone in (OLD, NEW):
            await app.request_otp(phone)
            result = await app.verify_otp(app.last_code, phone)
            assert isinstance(result, LoggedIn)
            assert result.identity.id != user.identity.id
        check_owners(app)


async def test_a_slow_change_does_nothing_after_the_next_one() -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, Principal]:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = Attempt(await make_change(app, user))

        async def complete_and_change_again() -> None:
            """Do what other processes do while this one waits."""
            await app.phone_change.complete(user.identity.id)
            if identity_of(app, user).phone == NEW:
                await app.move_phone(user.identity.id, OLD)

        return app, change, complete_and_change_again, user

    async for app, change, _, user in before_each_operation(start):
        if isinstance(change.result, DomainError):
            identity = identity_of(app, user)
            assert (identity.phone, record_of(app, NEW).identity_id) == (OLD, None)
        check_owners(app)


async def test_an_operators_change_that_another_process_ended_is_no_success() -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, Principal]:
        app = AppHarness()
        user = await app.add_user(OLD)
        await app.log_in(NEW)
        move = partial(app.move_phone, user.identity.id, NEW)
        return app, Attempt(move), partial(app.phone_change.complete, user.identity.id), user

    async for app, move, _, user in before_each_operation(start):
        assert isinstance(move.result, PhoneInUse | ConcurrencyConflict)
        assert identity_of(app, user).phone == OLD
        check_owners(app)


async def test_two_requests_with_their_own_codes_for_one_number_are_both_a_success() -> None:
    app = AppHarness()
    user = await app.add_user(OLD)
    first = await request_codes(app, user)
    app.advance(minutes=4, seconds=30)  # the next codes are others
    second = await request_codes(app, user)
    app.faults.run_before("audit_log.add", lambda: app.phone_change.change_phone(user, first))
    changed = await app.phone_change.change_phone(user, second)
    assert (changed.phone, changed.phone_change) == (NEW, None)
    check_owners(app)


async def test_a_change_before_the_record_is_read_keeps_its_number_at_a_login_by_device_token(
    app: AppHarness,
) -> None:
    await app.add_user(OLD)
    logged_in = await app.open_session(OLD)
    user = await app.identities.authenticate(logged_in.tokens.access_token)
    app.advance(minutes=20)
    requested = await app.request_otp(NEW, device_token=logged_in.device_token)
    code = app.last_code
    app.advance(minutes=1)
    command = await request_codes(app, user)

    async def change_after_the_identity_is_read() -> None:
        for _ in range(20):  # iterations of the event loop: the identity is read meanwhile
            await asyncio.sleep(0)
        await app.phone_change.change_phone(user, command)

    app.faults.reset()
    app.faults.run_before("phone_verifications.load", change_after_the_identity_is_read)
    await app.verify_otp(
        code, NEW, request_id=requested.request_id, device_token=logged_in.device_token
    )

    assert app.faults.has_fired
    assert record_of(app, NEW).identity_id == user.identity.id
    check_owners(app)


async def test_the_login_hook_decides_about_the_user_who_gets_the_number_meanwhile(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    request_id = (await app.request_otp(NEW)).request_id
    code = app.last_code
    app.advance(minutes=2)
    change = await make_change(app, user)
    asked = list[str | None]()

    async def ask(login: PendingLogin) -> AllowLogin | RejectLogin:
        asked.append(login.user_id)
        if login.user_id is not None:
            return RejectLogin("suspended")
        await change()
        return AllowLogin()

    app.identities.extensions.login_hook = ask
    with pytest.raises(LoginRejected):
        await app.verify_otp(code, NEW, request_id=request_id)
    assert asked == [None, user.identity.id]
