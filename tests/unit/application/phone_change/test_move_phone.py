"""An operator gives a user another number."""

import pytest

from application.administration.caller import operating_system_user
from application.ports.system import SecurityEventType
from domain.administration.audit import AuditAction
from domain.errors import (
    ConflictingValue,
    CountryNotServed,
    NumberWasChanged,
    PhoneInUse,
    UserNotFound,
)
from domain.identities.identity import Identity, Role
from domain.otp.challenge import parse_otp_code
from domain.otp.review_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness
from tests.support.policies import make_policy
from tests.unit.application.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    identity_of,
    record_of,
    sign_in,
    undo,
)

OPERATOR = operating_system_user("alice")


async def move(
    app: AppHarness, user: PhoneNumber | str, phone: PhoneNumber = NEW, **options: bool
) -> Identity:
    act = app.administration.act_for_users.change_phone
    found = await act(OPERATOR, user, phone, "saw the passport", **options)
    return found.require_identity()


async def test_all_sessions_end_and_the_old_number_can_undo_it(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    moved = await move(app, OLD)
    assert (moved.id, moved.phone, moved.sessions) == (user.identity.id, NEW, ())
    with pytest.raises(NumberWasChanged):
        await sign_in(app, OLD)
    await undo(app)
    assert identity_of(app, user).phone == OLD


async def test_event_and_audit_say_that_an_operator_did_it_and_why(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await move(app, user.identity.id)
    event = app.events.emitted[-2]
    assert (event.type, event.reason) == (SecurityEventType.PHONE_CHANGED, "by an operator")
    (entry,) = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.CHANGE_PHONE, user.identity.id)
    assert (entry.actor.id, entry.reason) == ("alice", "saw the passport")


async def test_without_an_undo_no_earlier_number_can_undo_either(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    moved = await move(app, user.identity.id, OTHER, can_be_undone=False)
    assert (moved.phone, moved.undo_deadlines) == (OTHER, ())
    assert record_of(app, NEW).previous_identity_id is None
    for phone in (OLD, NEW):
        assert (await sign_in(app, phone)).identity.id != user.identity.id


async def test_an_administrator_becomes_a_member_also_after_an_undo(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await app.identities.operator_actions.change_role(user.identity.id, Role.ADMINISTRATOR)
    assert (await move(app, OLD)).role is Role.MEMBER
    await undo(app)
    assert identity_of(app, user).role is Role.MEMBER


async def test_an_operator_can_change_a_number_after_an_undo(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    await undo(app)
    assert (await move(app, OLD, OTHER)).phone == OTHER
    assert identity_of(app, user).phone_change_allowed_at is not None


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
