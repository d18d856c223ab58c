"""An operator gives a user another number, and the former one is told."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from application.administration.operator import Operator
from application.features.phone_change.change_phone_of_user import CHANGE_PHONE
from application.features.phone_change.complete import PhoneChanged
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.errors import ConflictingValue, CountryNotServed, Forbidden, PhoneInUse, UserNotFound
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.user_events import EventType
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from tests.support.acts import BY_COMMAND, IN_API, a_token, assert_refused
from tests.support.app_harness import AppHarness, make_policy
from tests.support.fakes.messenger import REJECTED
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    identity_of,
    notified,
    request_codes,
    sign_in,
)

RECYCLED_AFTER = timedelta(days=100)


async def change(
    app: AppHarness,
    user: PhoneNumber | str,
    phone: PhoneNumber = NEW,
    operator: Operator = BY_COMMAND,
) -> Identity:
    act = app.phone_change.change_phone_of_user
    return (await act(operator, user, phone, "saw the passport")).require_identity()


async def test_all_sessions_end_and_the_old_number_is_told_and_free(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    changed = await change(app, OLD, operator=IN_API)
    assert (changed.id, changed.phone, changed.sessions) == (user.identity.id, NEW, ())
    (event,) = app.events.of_type(PhoneChanged)
    assert event.reason == "by an operator"
    (entry,) = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.CHANGE_PHONE, user.identity.id)
    assert (entry.actor, entry.reason) == (IN_API.actor, "saw the passport")
    assert notified(app) == [OLD]
    assert (await sign_in(app, OLD)).identity.id != user.identity.id
    assert (await sign_in(app, NEW)).identity.id == user.identity.id


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
            await change(app, OLD, phone)
    with pytest.raises(UserNotFound):
        await change(app, german, NEW)
    assert identity_of(app, user).phone == OLD
    # Only the change to a number in use began.
    act, failure = app.database.audit_entries
    assert (failure.failed_entry_id, failure.error) == (act.id, "phone_in_use")


async def test_only_who_may_changes_a_number_and_says_why(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    act = app.phone_change.change_phone_of_user

    await assert_refused(CHANGE_PHONE, lambda operator, why: act(operator, OLD, NEW, why))
    for granted in ([Scope.CHANGE_PHONES], [Role.ADMINISTRATOR]):
        with pytest.raises(Forbidden, match="No service token"):
            await change(app, OLD, operator=a_token(*granted))
    await app.identities.operator_actions.change_role(OLD, Role.ADMINISTRATOR)
    with pytest.raises(Forbidden):
        await change(app, OLD, operator=IN_API)

    assert app.database.audit_entries == []
    assert identity_of(app, user).phone == OLD


async def test_an_account_whose_number_went_to_somebody_else_gets_one_again() -> None:
    app = AppHarness(policy=make_policy(recycled_after=RECYCLED_AFTER))
    user = await app.add_user(OLD)
    app.advance(days=101)
    owner = await app.add_user(OLD, "Another Name")
    with pytest.raises(PhoneInUse):
        await change(app, user.identity.id, OLD)
    assert identity_of(app, user).detached_at is not None

    changed = await change(app, user.identity.id)

    assert (changed.phone, changed.detached_at, changed.phone_change) == (NEW, None, None)
    assert (notified(app), identity_of(app, owner).phone) == ([], OLD)
    principal = await sign_in(app, NEW)
    assert principal.identity.id == user.identity.id
    await app.create_user(principal)
    events = identity_of(app, user).events.unsent
    assert events[-1].type is EventType.USER_CREATED


async def test_the_number_of_staff_is_in_use_however_long_it_was_unused() -> None:
    app = AppHarness(policy=make_policy(recycled_after=RECYCLED_AFTER))
    owner = (await app.add_administrator(NEW)).identity.id
    app.advance(days=101)
    user = await app.add_user(OLD)
    with pytest.raises(PhoneInUse):
        await change(app, user.identity.id)
    assert app.database.identities[owner].value.is_administrator


async def test_that_no_provider_takes_it_is_no_error_and_it_is_tried_for_a_day(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    app.messenger.result = REJECTED
    assert (await app.phone_change.change_phone(user, command)).phone == NEW
    for hours, expected in ((1, 2), (22, 3), (2, 4), (2, 4)):
        app.advance(hours=hours)
        await app.operations.cleanup()
        assert notified(app) == [OLD] * expected
    assert identity_of(app, user).phone_change is None


async def test_nothing_is_sent_to_a_blocked_number_a_test_number_or_a_country_that_is_not_served(
    app: AppHarness,
) -> None:
    german = parse_phone("+4915112345678")
    numbers: list[PhoneNumber] = [OLD, OTHER, german]
    users = [await app.add_user(phone, f"User {phone.masked[-2:]}") for phone in numbers]
    await app.identities.operator_actions.block(OLD)
    test_otps = TestOtps((TestOtp(OTHER, parse_otp_code("123456")),))
    tested = replace(app, policy=make_policy(test_otps=test_otps))
    served = replace(app, policy=make_policy(countries=["US"]))
    for service, user in ((app, users[0]), (tested, users[1]), (served, users[2])):
        moved = await service.move_phone(user.identity.id, NEW)
        assert moved.phone_change is None
        assert notified(service) == []
        await service.identities.delete_user.by_id(user.identity.id)


async def test_an_account_that_is_deleted_meanwhile_gets_no_number(app: AppHarness) -> None:
    for operation in ("phone_verifications.save", "identities.replace"):
        user = await app.add_user(OLD, f"Deleted before {operation}")
        app.faults.run_before(operation, partial(app.identities.delete_user, user))
        with pytest.raises(UserNotFound):
            await change(app, user.identity.id)
        app.faults.reset()
    await app.operations.cleanup()
    assert NEW not in app.database.phone_verifications
