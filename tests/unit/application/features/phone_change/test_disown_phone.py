"""The owner of a number says that the account which got it is somebody else's."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from application.features.phone_change.events import PhoneDisowned
from application.principal import Principal
from domain.administration.audit import AuditAction
from domain.errors import (
    DomainError,
    FreshLoginRequired,
    IncorrectOtp,
    Unauthenticated,
)
from domain.features.phone_change.errors import DisownNotPossible
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import (
    Act,
    Attempt,
    Fault,
    at_each_operation,
    before_each_operation,
)
from tests.support.fault_injector import ProcessKilled
from tests.support.phone_change.stored import phone_change_repositories
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    codes_of,
    identity_of,
    make_command,
    make_undo,
    record_of,
    request_code,
    request_undo_code,
    sign_in,
    undo,
    with_test_otps,
)
from tests.unit.application.features.phone_change.test_undo_phone_change import WRONG, undo_with


async def give_away(app: AppHarness, *, with_old: bool = False) -> tuple[Principal, Principal]:
    """Change the number of an account to NEW, and let its owner sign in there.

    Returns:
        The account's owner, and that of the number.
    """
    owner = await app.add_user(OLD)
    await change_phone(app, owner, with_old=with_old)
    return owner, await sign_in(app, NEW, minutes=1)


async def is_signed_in(app: AppHarness, principal: Principal) -> bool:
    token = app.identities.sessions.issue_tokens(
        principal.identity, principal.session, app.clock.now(), None
    ).access_token
    with suppress(Unauthenticated):
        return bool(await app.identities.authenticate(token))
    return False


def check_restored(app: AppHarness, owner: Principal) -> None:
    """The account has its former number again, and only the session that the change kept."""
    identity = identity_of(app, owner)
    assert (identity.phone, identity.phone_changes.under_way, identity.is_closed) == (
        OLD,
        None,
        False,
    )
    assert [session.id for session in identity.sessions] == [owner.session.id]
    assert (identity.devices, identity.phone_changes.undo_deadlines) == ((), ())
    assert (record_of(app, OLD).identity_id, record_of(app, OLD).hold.undo_until) == (
        identity.id,
        None,
    )


def check_detached(app: AppHarness, owner: Principal) -> None:
    identity = identity_of(app, owner)
    assert identity.detached_at is not None
    assert (identity.phone, identity.phone_changes.under_way, identity.sessions) == (OLD, None, ())
    assert record_of(app, OLD).identity_id != identity.id


async def check_free(app: AppHarness, owner: Principal, phone: PhoneNumber = NEW) -> None:
    """The next login with the number opens an account of its own."""
    verification = record_of(app, phone)
    assert (verification.identity_id, verification.hold.identity_id) == (None, None)
    newcomer = await sign_in(app, phone)
    assert newcomer.identity.id != owner.identity.id
    assert (newcomer.identity.user, newcomer.identity.phone) == (None, phone)


async def test_the_number_is_free_and_the_account_has_its_former_number(app: AppHarness) -> None:
    owner, hers = await give_away(app)
    count_before = len(app.messenger.messages)
    await app.phone_change.disown(hers)
    (message,) = app.messenger.messages[count_before:]
    assert (message.phone, PhoneNotice.PHONE_CHANGE_UNDONE in message.text) == (OLD, True)
    assert app.events.of_type(PhoneDisowned) == [
        PhoneDisowned(phone=NEW, user_id=owner.identity.id, reason="account has its former number")
    ]
    entry = app.database.audit_entries[-1]
    assert (entry.action, entry.subject) == (AuditAction.DISOWN_PHONE, owner.identity.id)
    check_restored(app, owner)
    assert await is_signed_in(app, owner)
    assert not await is_signed_in(app, hers)
    await check_free(app, owner)
    assert (await sign_in(app, OLD)).identity.id == owner.identity.id


async def test_a_number_that_is_held_after_a_change_back_is_not_said_to_be_free(
    app: AppHarness,
) -> None:
    owner, hers = await give_away(app)
    current = replace(owner, identity=identity_of(app, owner))
    app.advance(minutes=1)
    app.faults.run_before("identities.replace", partial(change_phone, app, current, OLD))

    with pytest.raises(DisownNotPossible):
        await app.phone_change.disown(hers)

    assert identity_of(app, owner).phone == OLD
    assert record_of(app, NEW).hold.identity_id == owner.identity.id


async def test_after_it_nothing_can_be_undone_and_nothing_of_the_new_account_is_touched(
    app: AppHarness,
) -> None:
    owner, hers = await give_away(app)
    app.advance(minutes=5)
    result = await request_undo_code(app)
    early = make_undo(app.last_code, result.request_id)
    await app.phone_change.disown(hers)
    newcomer = await app.add_user(NEW, "Her Own Name")
    with pytest.raises(DomainError):
        await app.phone_change.undo(early)
    messages = len(app.messenger.messages)
    await request_undo_code(app)
    assert len(app.messenger.messages) == messages
    hers_now = identity_of(app, newcomer)
    assert (hers_now.phone, hers_now.username) == (NEW, newcomer.identity.username)
    assert await is_signed_in(app, newcomer)
    assert identity_of(app, owner).phone == OLD


async def test_the_undo_code_ends_the_session_that_a_disown_left(app: AppHarness) -> None:
    # A thief changes the number with a stolen session, signs in with his own number, and disowns.
    thief, by_own_number = await give_away(app)
    (code,) = codes_of(app)
    await app.phone_change.disown(by_own_number)
    assert await is_signed_in(app, thief)

    assert await undo_with(app, code)
    assert not await is_signed_in(app, thief)
    assert identity_of(app, thief).phone == OLD
    (trusted,) = record_of(app, OLD).trusted_ips
    assert trusted.last_login_at == app.clock.now()

    # A repeat is a success, and ends no session of the owner.
    owner = await sign_in(app, OLD)
    assert owner.identity.id == thief.identity.id
    assert not await undo_with(app, code)
    assert await is_signed_in(app, owner)
    with pytest.raises(IncorrectOtp):
        await undo_with(app, WRONG)


async def test_only_a_recent_login_with_the_number_disowns(app: AppHarness) -> None:
    owner, hers = await give_away(app)
    present = replace(owner, identity=identity_of(app, owner))
    with pytest.raises(FreshLoginRequired):  # the session that the change kept
        await app.phone_change.disown(present)
    with pytest.raises(FreshLoginRequired):
        await app.phone_change.disown(replace(hers, has_fresh_login=False))
    assert identity_of(app, owner).phone == NEW


@pytest.mark.parametrize("is_late", [False, True])
async def test_it_is_possible_for_seven_days(app: AppHarness, is_late: bool) -> None:
    owner, _ = await give_away(app)
    app.advance(days=7, minutes=-5)  # a minute passed before her first login
    hers = await sign_in(app, NEW, minutes=1)
    if not is_late:
        await app.phone_change.disown(hers)
        assert identity_of(app, owner).phone == OLD
        return
    app.advance(minutes=3)
    with pytest.raises(DisownNotPossible):
        await app.phone_change.disown(hers)
    assert identity_of(app, owner).phone == NEW
    await app.operations.cleanup()
    stored = await phone_change_repositories(app.database).phone_assignments.load(owner.identity.id)
    assert stored is None


async def test_a_number_that_no_change_assigned_has_nothing_to_disown(app: AppHarness) -> None:
    with pytest.raises(DisownNotPossible):
        await app.phone_change.disown(await app.add_user(OLD))
    await change_phone(app, await sign_in(app, OLD))
    await undo(app)
    with pytest.raises(DisownNotPossible):
        await app.phone_change.disown(await sign_in(app, OLD))


async def test_after_an_operators_change_all_sessions_are_of_the_new_number(
    app: AppHarness,
) -> None:
    owner = await app.add_user(OLD)
    await app.move_phone(owner.identity.id, NEW, can_be_undone=True)
    await app.phone_change.disown(await sign_in(app, NEW, minutes=1))
    identity = identity_of(app, owner)
    assert (identity.phone, identity.sessions) == (OLD, ())
    await check_free(app, owner)


async def test_an_account_whose_change_cannot_be_undone_is_detached(app: AppHarness) -> None:
    owner, hers = await give_away(app, with_old=True)
    next_owner = await sign_in(app, OLD, minutes=1)
    await app.phone_change.disown(hers)
    check_detached(app, owner)
    assert not await is_signed_in(app, owner)
    await check_free(app, owner)
    assert await is_signed_in(app, next_owner)
    (event,) = app.events.of_type(PhoneDisowned)
    assert event.reason == "account detached"


@pytest.mark.parametrize("is_blocked", [True, False], ids=["blocked", "test number"])
async def test_a_former_number_that_nobody_else_may_have_is_not_given_back(
    app: AppHarness, is_blocked: bool
) -> None:
    owner, hers = await give_away(app)
    if is_blocked:
        await app.identities.operator_actions.block(OLD)
    else:
        app = with_test_otps(app, TestOtps((TestOtp(OLD, parse_otp_code("123456")),)))
    await app.phone_change.disown(hers)
    check_detached(app, owner)
    await check_free(app, owner)


async def test_each_number_of_a_chain_of_changes_disowns_its_own(app: AppHarness) -> None:
    owner, between = await give_away(app)
    await change_phone(app, between, OTHER)
    await app.phone_change.disown(await sign_in(app, OTHER, minutes=1))
    identity = identity_of(app, owner)
    assert (identity.phone, [session.id for session in identity.sessions]) == (
        NEW,
        [between.session.id],
    )
    await check_free(app, owner, OTHER)
    await app.phone_change.disown(await sign_in(app, NEW, minutes=1))
    identity = identity_of(app, owner)
    assert (identity.phone, identity.sessions) == (OLD, ())
    await check_free(app, owner)


async def test_it_is_possible_before_the_messages_of_the_change_were_sent(app: AppHarness) -> None:
    owner = await app.add_user(OLD)
    code = await request_code(app, owner)
    app.faults.fail_on("identities.replace", after="identities.replace_phone", kill=True)
    with pytest.raises(ProcessKilled):
        await app.phone_change.change_phone(owner, make_command(code))
    app.faults.reset()
    await app.phone_change.disown(await sign_in(app, NEW, minutes=1))
    check_restored(app, owner)
    app.advance(minutes=3)
    await app.operations.cleanup()
    await check_free(app, owner)


async def test_an_account_that_lost_the_number_meanwhile_is_not_changed(app: AppHarness) -> None:
    owner, hers = await give_away(app)
    thief = replace(owner, identity=identity_of(app, owner))
    command = make_command(await request_code(app, thief, OTHER), phone=OTHER)
    app.faults.run_before("audit_log.add", partial(app.phone_change.change_phone, thief, command))
    with pytest.raises(DisownNotPossible):
        await app.phone_change.disown(hers)
    assert identity_of(app, owner).phone == OTHER


async def test_two_requests_at_the_same_time_are_both_a_success(app: AppHarness) -> None:
    owner, hers = await give_away(app)
    app.faults.run_before("audit_log.add", partial(app.phone_change.disown, hers))
    await app.phone_change.disown(hers)
    check_restored(app, owner)


@pytest.mark.parametrize(
    ("with_retry", "with_old", "check"),
    [
        pytest.param(False, False, check_restored, id="restored by the cleanup"),
        pytest.param(True, True, check_detached, id="detached by a retry", marks=pytest.mark.slow),
    ],
)
async def test_a_disown_interrupted_at_any_call_is_completed_by_retry_or_cleanup(
    with_retry: bool, with_old: bool, check: Callable[[AppHarness, Principal], None]
) -> None:
    async def start() -> tuple[AppHarness, Act, Principal, Principal]:
        app = AppHarness()
        owner, hers = await give_away(app, with_old=with_old)
        return app, partial(app.phone_change.disown, hers), owner, hers

    fault = Fault.FAILS if with_retry else Fault.KILLED
    async for app, _, owner, hers in at_each_operation(start, fault):
        identity = identity_of(app, owner)
        is_begun = identity.phone_changes.under_way is not None or identity.phone != NEW
        if with_retry:
            if await is_signed_in(app, hers):  # otherwise the client gets a 401
                await app.phone_change.disown(replace(hers, identity=identity))
            await check_free(app, owner)  # nothing waits for the cleanup
        else:
            app.advance(minutes=3)
        await app.operations.cleanup()
        if with_retry or is_begun:
            check(app, owner)
        if not with_retry and is_begun:
            await check_free(app, owner)
        if not with_retry and not is_begun:
            assert await is_signed_in(app, hers)


async def test_a_disown_and_an_undo_at_the_same_time_leave_the_number_free() -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, Principal, Principal]:
        app = AppHarness()
        owner, hers = await give_away(app)
        app.advance(minutes=5)
        result = await request_undo_code(app)
        code = app.code_of(record_of(app, OLD).challenges.all[-1])
        disown = Attempt(partial(app.phone_change.disown, hers))
        undo = Attempt(partial(app.phone_change.undo, make_undo(code, result.request_id)))
        return app, disown, undo, owner, hers

    async for app, disown, _, owner, hers in before_each_operation(start):
        assert disown.result is None or isinstance(disown.result, Unauthenticated)
        await app.operations.cleanup()
        identity = identity_of(app, owner)
        assert (identity.phone, identity.is_closed) == (OLD, False)
        assert record_of(app, OLD).identity_id == identity.id
        assert not await is_signed_in(app, hers)
        await check_free(app, owner)


@pytest.mark.slow
async def test_a_disown_and_a_deletion_at_the_same_time_leave_both_numbers_free() -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, Principal]:
        app = AppHarness()
        owner, hers = await give_away(app)
        disown = Attempt(partial(app.phone_change.disown, hers))
        return app, disown, partial(app.identities.delete_user.by_id, owner.identity.id), owner

    async for app, disown, _, owner in before_each_operation(start):
        assert disown.result is None or isinstance(disown.result, Unauthenticated)
        app.advance(minutes=3)
        await app.operations.cleanup()
        assert identity_of(app, owner).is_deleted
        for phone in (OLD, NEW):
            assert (await sign_in(app, phone)).identity.id != owner.identity.id
