"""A change that meets another act before any of its calls."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from application.identities.extensions import AllowLogin, PendingLogin, RejectLogin
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import ConcurrencyConflict
from application.principal import Principal
from domain.errors import DomainError, LoginRejected, NumberWasChanged, PhoneInUse, Unauthenticated
from domain.identities.identity import Identity
from tests.support.app_harness import AppHarness
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    add_user_with_new_number,
    identity_of,
    make_command,
    make_undo,
    record_of,
    request_code,
    request_undo_code,
)

Act = Callable[[], Awaitable[object]]
REJECTIONS = (DomainError, ConcurrencyConflict)


async def run_both(
    app: AppHarness, first: Act, second: Act, call: int, *, is_swapped: bool = False
) -> tuple[list[object], bool]:
    """Run the second act before a call of the first one, or the first within the second.

    Returns:
        The results or errors of both, and whether the outer one has fewer calls.
    """
    results: list[object] = [None, None]
    acts, outer = (first, second), int(is_swapped)

    async def run(number: int) -> None:
        try:
            results[number] = await acts[number]()
        except REJECTIONS as error:
            results[number] = error

    app.faults.run_at(call, lambda: run(1 - outer))
    await run(outer)
    is_over = not app.faults.has_fired
    app.faults.reset()
    if is_over:
        await run(1 - outer)
    return results, is_over


def check_owners(app: AppHarness) -> None:
    """Each number belongs to one identity at most, and each open identity has its number."""
    for identity in [stored.value for stored in app.database.identities.values()]:
        if not identity.is_closed:
            assert identity.phone is not None
            assert record_of(app, identity.phone).identity_id == identity.id
            assert identity.phone_changes.under_way is None


async def make_change(app: AppHarness, user: Principal) -> Act:
    code = await request_code(app, user)
    return lambda: app.phone_change.change_phone(user, make_command(code))


async def run_at_every_call(race: Callable[[int], Awaitable[bool]], min_calls: int = 5) -> None:
    """Run a race whose first act is interrupted at each of its calls."""
    for call in count(1):
        if await race(call):
            assert call > min_calls
            return


async def test_two_changes_to_one_number_give_it_to_one_of_them() -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        users = [await app.add_user(OLD), await app.add_user(OTHER, "Another Name")]
        first = await make_change(app, users[0])
        app.advance(minutes=1)
        second = await make_change(app, users[1])
        results, is_over = await run_both(app, first, second, call)
        owners = [user for user in users if identity_of(app, user).phone == NEW]
        assert len(owners) == 1
        assert [isinstance(result, PhoneInUse) for result in results].count(True) == 1
        check_owners(app)
        return is_over

    await run_at_every_call(race)


@pytest.mark.parametrize("is_sign_in_first", [True, False])
async def test_a_change_and_a_sign_in_give_the_number_to_one_of_them(
    is_sign_in_first: bool,
) -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = await make_change(app, user)
        app.advance(minutes=1)
        await app.request_otp(NEW)
        code = app.last_code

        async def sign_in() -> LoggedIn | OtpRejected:
            return await app.verify_otp(code, NEW)

        (changed, logged_in), is_over = await run_both(
            app, change, sign_in, call, is_swapped=is_sign_in_first
        )
        if isinstance(changed, PhoneInUse):
            assert isinstance(logged_in, LoggedIn)
            assert logged_in.identity.id != user.identity.id
        else:
            assert not isinstance(changed, Exception)
            if isinstance(logged_in, LoggedIn):
                assert logged_in.identity.id == user.identity.id
        check_owners(app)
        return is_over

    await run_at_every_call(race)


@pytest.mark.parametrize(
    ("is_sign_in_first", "with_old"), [(False, False), (True, False), (True, True)]
)
async def test_a_sign_in_with_the_old_number_does_not_outlive_the_change(
    is_sign_in_first: bool, with_old: bool
) -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        user = await app.add_user(OLD)
        old = await request_code(app, user, None) if with_old else None
        command = make_command(await request_code(app, user), old)
        app.advance(minutes=1)
        await app.request_otp(OLD)
        code = app.last_code
        acts: tuple[Act, Act] = (
            lambda: app.phone_change.change_phone(user, command),
            lambda: app.verify_otp(code, OLD),
        )
        results, is_over = await run_both(app, *acts, call, is_swapped=is_sign_in_first)
        assert isinstance(results[0], Identity)
        assert isinstance(results[1], LoggedIn | OtpRejected | NumberWasChanged)
        sessions = identity_of(app, user).sessions
        assert [session.id for session in sessions] == [user.session.id]
        check_owners(app)
        return is_over

    await run_at_every_call(race)


@pytest.mark.parametrize("is_deletion_first", [True, False])
async def test_a_change_and_a_deletion_leave_both_numbers_free(is_deletion_first: bool) -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        user = await app.add_user(OLD)
        change = await make_change(app, user)

        async def delete() -> None:
            await app.identities.delete_user(user)

        (changed, _), is_over = await run_both(
            app, change, delete, call, is_swapped=is_deletion_first
        )
        assert isinstance(changed, Identity | Unauthenticated)
        app.advance(hours=2)
        await app.operations.cleanup()
        for phone in (OLD, NEW):
            await app.request_otp(phone)
            result = await app.verify_otp(app.last_code, phone)
            assert isinstance(result, LoggedIn)
            assert result.identity.id != user.identity.id
        check_owners(app)
        return is_over

    await run_at_every_call(race, min_calls=2 if is_deletion_first else 5)


@pytest.mark.parametrize("is_undo_first", [False, True])
async def test_an_undo_and_another_change_end_with_the_old_number(is_undo_first: bool) -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        user = await add_user_with_new_number(app)
        thief = await app.log_in(NEW)
        command = make_command(await request_code(app, thief, OTHER), phone=OTHER)
        result = await request_undo_code(app)
        undo = make_undo(app.last_code, result.request_id)
        acts: tuple[Act, Act] = (
            lambda: app.phone_change.change_phone(thief, command),
            lambda: app.phone_change.undo(undo),
        )
        results, is_over = await run_both(app, *acts, call, is_swapped=is_undo_first)
        if is_undo_first:
            assert isinstance(results[0], Identity | Unauthenticated)
            assert results[1] is None
        elif results[1] is not None:  # the client sends it again
            assert isinstance(results[1], ConcurrencyConflict)
            await app.phone_change.undo(undo)
        identity = identity_of(app, user)
        assert (identity.phone, identity.sessions) == (OLD, ())
        check_owners(app)
        return is_over

    await run_at_every_call(race)


async def test_a_slow_change_does_nothing_after_its_undo() -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        user = await app.add_user(OLD)
        command = make_command(await request_code(app, user))

        async def complete_and_undo() -> None:
            """Do what another process does while this one waits."""
            await app.phone_change.complete(user.identity.id)
            if identity_of(app, user).phone == NEW:
                app.advance(seconds=30)
                result = await request_undo_code(app)
                await app.phone_change.undo(make_undo(app.last_code, result.request_id))

        results, is_over = await run_both(
            app, lambda: app.phone_change.change_phone(user, command), complete_and_undo, call
        )
        assert results[1] is None
        identity = identity_of(app, user)
        if not is_over and isinstance(results[0], DomainError):
            assert (identity.phone, record_of(app, NEW).identity_id) == (OLD, None)
        check_owners(app)
        return is_over

    await run_at_every_call(race)


async def test_an_operators_change_that_another_process_ended_is_no_success() -> None:
    async def race(call: int) -> bool:
        app = AppHarness()
        user = await app.add_user(OLD)
        await app.log_in(NEW)
        results, is_over = await run_both(
            app,
            lambda: app.move_phone(user.identity.id, NEW, can_be_undone=True),
            lambda: app.phone_change.complete(user.identity.id),
            call,
        )
        assert isinstance(results[0], PhoneInUse | ConcurrencyConflict)
        assert identity_of(app, user).phone == OLD
        check_owners(app)
        return is_over

    await run_at_every_call(race)


async def test_two_requests_with_their_own_codes_for_one_number_are_both_a_success() -> None:
    app = AppHarness()
    user = await app.add_user(OLD)
    first = make_command(await request_code(app, user))
    app.advance(minutes=4, seconds=30)  # the next code is another one
    second = make_command(await request_code(app, user))
    app.faults.run_before("audit_log.add", lambda: app.phone_change.change_phone(user, first))
    changed = await app.phone_change.change_phone(user, second)
    assert (changed.phone, changed.phone_changes.under_way) == (NEW, None)
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
    command = make_command(await request_code(app, user, NEW))

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
