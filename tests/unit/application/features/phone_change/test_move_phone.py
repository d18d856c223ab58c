"""An operator gives a user another number."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from application.administration.operator import Operator, operating_system_user
from application.features.phone_change.acts import CHANGE_PHONE
from application.features.phone_change.events import PhoneChanged
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.errors import (
    ConflictingValue,
    CountryNotServed,
    Forbidden,
    NumberWasChanged,
    PhoneBlocked,
    PhoneInUse,
    UserNotFound,
)
from domain.features.phone_change.errors import TooManyPhoneChanges
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from tests.support.acts import IN_API, a_token, assert_refused
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone, an_id
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    add_user_with_new_number,
    identity_of,
    record_of,
    sign_in,
    undo,
    with_test_otps,
)

OPERATOR = operating_system_user("alice")
TOKEN = a_token(Scope.CHANGE_PHONES)
ADMINISTRATOR = IN_API


async def move(
    app: AppHarness,
    user: PhoneNumber | str,
    phone: PhoneNumber = NEW,
    *,
    operator: Operator = OPERATOR,
    **options: bool,
) -> Identity:
    act = app.phone_change.change_phone_of_user
    found = await act(operator, user, phone, "saw the passport", **options)
    return found.require_identity()


@pytest.mark.parametrize("operator", [OPERATOR, TOKEN], ids=["command", "token"])
async def test_all_sessions_end_and_the_old_number_can_undo_it(
    app: AppHarness, operator: Operator
) -> None:
    user = await app.add_user(OLD)
    moved = await move(app, OLD, operator=operator)
    assert (moved.id, moved.phone, moved.sessions) == (user.identity.id, NEW, ())
    (event,) = app.events.of_type(PhoneChanged)
    assert event.reason == "by an operator"
    (entry,) = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.CHANGE_PHONE, user.identity.id)
    assert (entry.actor, entry.reason) == (operator.actor, "saw the passport")
    with pytest.raises(NumberWasChanged):
        await sign_in(app, OLD)
    await undo(app)
    assert identity_of(app, user).phone == OLD
    # An operator need not wait for seven days after it.
    assert (await move(app, OLD, OTHER, operator=operator)).phone == OTHER


async def test_without_an_undo_no_earlier_number_can_undo_either(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    moved = await move(app, user.identity.id, OTHER, can_be_undone=False)
    assert (moved.phone, moved.phone_changes.undo_deadlines) == (OTHER, ())
    assert record_of(app, NEW).hold.identity_id is None
    for phone in (OLD, NEW):
        assert (await sign_in(app, phone)).identity.id != user.identity.id


async def test_what_is_impossible_changes_nothing() -> None:
    test_otps = TestOtps((TestOtp(OTHER, parse_otp_code("123456")),))
    app = AppHarness(policy=make_policy(test_otps=test_otps, countries=["US"]))
    user = await app.add_user(OLD)
    await app.log_in(NEW)
    german = parse_phone("+4915112345678")
    for phone, error in (
        (OLD, ConflictingValue),
        (NEW, PhoneInUse),
        (OTHER, ConflictingValue),
        (german, CountryNotServed),
    ):
        with pytest.raises(error):
            await move(app, OLD, phone)
    with pytest.raises(UserNotFound):
        await move(app, german, NEW)
    assert identity_of(app, user).phone == OLD


async def test_only_who_may_moves_a_number_and_says_why(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    change = app.phone_change.change_phone_of_user

    await assert_refused(CHANGE_PHONE, lambda operator, why: change(operator, OLD, NEW, why))

    assert app.database.audit_entries == []
    assert identity_of(app, user).phone == OLD


@pytest.mark.parametrize("operator", [TOKEN, ADMINISTRATOR], ids=["token", "administrator"])
async def test_only_a_command_moves_that_of_an_administrator_or_one_that_could_not_undo_it(
    app: AppHarness, operator: Operator
) -> None:
    user = await app.add_user(OLD)
    actions = app.identities.operator_actions
    await actions.change_role(user.identity.id, Role.ADMINISTRATOR)
    with pytest.raises(Forbidden):
        await move(app, OLD, operator=operator)
    await actions.change_role(user.identity.id, Role.MEMBER)
    await actions.block(OLD)
    with pytest.raises(PhoneBlocked):
        await move(app, OLD, operator=operator)
    await actions.unblock(OLD)
    restarted = with_test_otps(app, TestOtps((TestOtp(OLD, parse_otp_code("271828")),)))
    with pytest.raises(ConflictingValue, match="gets no codes"):
        await move(restarted, OLD, operator=operator)

    assert [entry.action for entry in app.database.audit_entries] == []
    assert identity_of(app, user).phone == OLD


async def test_people_move_a_blocked_number_without_an_undo_and_no_token_does(
    app: AppHarness,
) -> None:
    await app.add_user(OLD)
    await app.identities.operator_actions.block(OLD)
    with pytest.raises(Forbidden):
        await move(app, OLD, operator=TOKEN, can_be_undone=False)
    moved = await move(app, OLD, operator=ADMINISTRATOR, can_be_undone=False)
    assert (moved.phone, moved.phone_changes.undo_deadlines) == (NEW, ())


async def test_a_token_moves_twenty_numbers_a_day_and_failures_count(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await app.add_user(OTHER, "Priya")
    for _ in range(19):
        with pytest.raises(PhoneInUse):
            await move(app, user.identity.id, OTHER, operator=TOKEN)
    await move(app, user.identity.id, operator=TOKEN)
    entries = len(app.database.audit_entries)

    with pytest.raises(TooManyPhoneChanges) as caught:
        await move(app, user.identity.id, a_phone(4), operator=TOKEN)

    assert len(app.database.audit_entries) == entries
    await move(app, user.identity.id, a_phone(4))  # a command has no such limit
    app.advance(seconds=caught.value.retry_after)
    await move(app, user.identity.id, a_phone(5), operator=TOKEN)


async def test_an_unknown_or_a_deleted_account_has_no_number_to_change(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await app.identities.delete_user(user)
    for user_id in (user.identity.id, an_id(9)):
        with pytest.raises(UserNotFound):
            await app.move_phone(user_id, NEW, can_be_undone=True)
        assert await app.phone_change.complete(user_id) is None


async def test_an_account_that_is_deleted_meanwhile_gets_no_number(app: AppHarness) -> None:
    for operation in ("phone_verifications.save", "identities.replace"):
        user = await app.add_user(OLD, f"Deleted before {operation}")
        app.faults.run_before(operation, partial(app.identities.delete_user, user))
        with pytest.raises(UserNotFound):
            await move(app, user.identity.id)
        app.faults.reset()
    await app.operations.cleanup()
    assert NEW not in app.database.phone_verifications


async def test_a_number_whose_account_is_blocked_is_in_use(app: AppHarness) -> None:
    owner = await app.log_in(NEW)
    identities = app.database.repositories().identities
    loaded = await identities.load(owner.identity.id)
    assert loaded is not None
    unverified = replace(loaded.value.block(app.clock.now()), is_verified=False)
    await identities.replace(unverified, loaded.version)
    user = await app.add_user(OLD)
    with pytest.raises(PhoneInUse):
        await move(app, user.identity.id)


async def test_the_number_of_staff_is_in_use_for_operators_however_long_it_was_unused() -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    owner = (await app.add_administrator(NEW)).identity.id
    app.advance(days=101)
    user = await app.add_user(OLD)
    for operator in (OPERATOR, TOKEN):
        with pytest.raises(PhoneInUse):
            await move(app, user.identity.id, operator=operator)
    assert app.database.identities[owner].value.is_administrator
    assert app.database.identities[owner].value.detached_at is None


async def test_a_held_number_is_not_restored_to_an_account_that_had_it_earlier() -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    earlier = await app.log_in(OLD)
    app.advance(days=101)
    user = await app.add_user(OLD)
    await move(app, user.identity.id)
    with pytest.raises(PhoneInUse):
        await app.administration.act_for_users.restore(OPERATOR, earlier.identity.id, "ticket")
    await app.identities.delete_user.by_id(user.identity.id)
    await app.administration.act_for_users.restore(OPERATOR, earlier.identity.id, "ticket")
    assert record_of(app, OLD).identity_id == earlier.identity.id
