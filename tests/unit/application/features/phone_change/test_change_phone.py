"""A user changes the phone number."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.features.phone_change.events import PhoneChanged
from application.otp.events import PhoneNoticeSent
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import ConcurrencyConflict
from domain.administration.audit import ActorKind, AuditAction
from domain.errors import (
    ConflictingValue,
    DeliveryFailed,
    FreshLoginRequired,
    IncorrectOtp,
    PhoneInUse,
    TooManyOtpRequests,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneNotice
from domain.identities.role import Role
from domain.identities.staff import Staff
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.core_harness import wrong_code
from tests.support.fakes.messenger import ACCEPTED, REJECTED
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    identity_of,
    make_command,
    record_of,
    request_code,
    sign_in,
    with_test_otps,
)

TEST_PHONES = TestOtps(tuple(TestOtp(phone, parse_otp_code("123456")) for phone in (NEW, OTHER)))


async def test_the_user_has_the_new_number_and_the_old_one_signs_nobody_in(app: AppHarness) -> None:
    await app.log_in(OLD)  # another session
    user = await app.add_user(OLD)
    user_id = user.identity.id
    changed = await change_phone(app, user)
    assert identity_of(app, user) == changed
    assert (changed.id, changed.phone, changed.phone_changes.under_way) == (user_id, NEW, None)
    assert [session.id for session in changed.sessions] == [user.session.id]
    assert changed.devices == ()
    (event,) = app.events.of_type(PhoneChanged)
    assert (event.phone, event.user_id) == (NEW, user_id)
    assert [notice.phone for notice in app.events.of_type(PhoneNoticeSent)] == [NEW, OLD]
    (entry,) = app.database.audit_entries
    assert (entry.actor.kind, entry.actor.id) == (ActorKind.USER, user_id)
    assert (entry.action, entry.subject) == (AuditAction.CHANGE_PHONE, user_id)
    old = record_of(app, OLD)
    assert (old.identity_id, old.hold.identity_id) == (None, user_id)
    assert old.hold.undo_until == app.clock.now() + timedelta(days=7)
    assert (await sign_in(app, NEW)).identity.id == user_id


async def test_the_old_record_keeps_what_is_counted_and_loses_codes(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await app.verify_otp(wrong_code(app.last_code), OLD)
    app.advance(minutes=1)
    await app.request_otp(OLD)
    await app.verify_otp(wrong_code(app.last_code), OLD)
    before = record_of(app, OLD)
    assert before.challenges.all
    assert before.trusted_ips
    await change_phone(app, user)
    after = record_of(app, OLD)
    assert (after.challenges.all, after.trusted_ips) == ((), before.trusted_ips)  # for an undo
    assert after.deliveries == before.deliveries
    assert after.failures == before.failures
    assert before.failures.in_a_row > 0


async def test_a_rejected_message_is_sent_by_the_cleanup_for_a_day(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    code = await request_code(app, user)
    app.messenger.result = REJECTED
    changed = await app.phone_change.change_phone(user, make_command(code))
    assert changed.phone == NEW
    for hours, expected in ((1, 2), (22, 3), (2, 4), (2, 4)):
        app.advance(hours=hours)
        await app.operations.cleanup()
        for phone, notice in ((OLD, PhoneNotice.PHONE_CHANGED), (NEW, PhoneNotice.PHONE_ASSIGNED)):
            texts = [message.text for message in app.messenger.messages if message.phone == phone]
            assert [notice in text for text in texts].count(True) == expected
    assert identity_of(app, user).phone_changes.under_way is None


async def test_no_other_change_begins_before_the_message_was_sent(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    first, second = await request_code(app, user), await request_code(app, user, OTHER)
    app.messenger.result = REJECTED
    changed = await app.phone_change.change_phone(user, make_command(first))
    again, command = replace(user, identity=changed), make_command(second, phone=OTHER)
    with pytest.raises(Unavailable):
        await app.phone_change.change_phone(again, command)
    messages = len(app.messenger.messages)
    with pytest.raises(Unavailable):
        await request_code(app, again, a_phone(4))
    assert len(app.messenger.messages) == messages
    app.messenger.result = ACCEPTED
    app.advance(minutes=3)
    assert (await app.phone_change.change_phone(again, command)).phone == OTHER
    texts = [text for phone, text in app.messenger.messages if phone == OLD]
    assert PhoneNotice.PHONE_CHANGED in texts[-1]


async def test_an_older_login_needs_the_code_of_the_present_number(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    token = app.identities.sessions.issue_tokens(
        user.identity, user.session, app.clock.now(), None
    ).access_token
    app.advance(minutes=15)
    user = await app.identities.authenticate(token)
    code = await request_code(app, user)
    with pytest.raises(FreshLoginRequired):
        await app.phone_change.change_phone(user, make_command(code))
    old = await request_code(app, user, None)
    assert app.messenger.messages[-1].phone == OLD
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.change_phone(user, make_command(code, (wrong_code(old[0]), old[1])))
    assert (raised.value.field, raised.value.attempts_left) == ("old_otp", 4)
    assert identity_of(app, user).phone == OLD
    changed = await app.phone_change.change_phone(user, make_command(code, old))
    assert changed.phone == NEW
    assert record_of(app, OLD).hold.identity_id is None


@pytest.mark.parametrize("is_blocked", [False, True])
async def test_that_a_number_is_in_use_is_said_after_the_right_code_only(
    app: AppHarness, is_blocked: bool
) -> None:
    user = await app.add_user(OLD)
    if not is_blocked:
        await app.log_in(NEW)
    code = await request_code(app, user)
    if is_blocked:
        await app.identities.operator_actions.block(NEW)
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.change_phone(user, make_command((wrong_code(code[0]), code[1])))
    assert (raised.value.field, raised.value.attempts_left) == ("otp", 4)
    with pytest.raises(PhoneInUse):
        await app.phone_change.change_phone(user, make_command(code))
    assert identity_of(app, user).phone == OLD
    assert identity_of(app, user).phone_changes.under_way is None
    assert app.database.audit_entries[-1].error == "phone_in_use"


@pytest.mark.parametrize("owner", ["unverified", "deleted", "missing", "unused"])
async def test_an_owner_that_a_sign_in_would_replace_is_replaced(owner: str) -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    before = await app.log_in(NEW)
    identities = app.database.repositories().identities
    loaded = await identities.load(before.identity.id)
    assert loaded is not None
    stored: Identity = loaded.value
    match owner:
        case "unverified":
            unverified = Identity(stored.id, NEW, stored.created_at, is_verified=False)
            await identities.replace(unverified, loaded.version)
        case "deleted":
            await app.identities.delete_user(before)
        case "missing":
            del app.database.records.tables["identities"][stored.id]
        case _:
            app.advance(days=101)
    user = await app.add_user(OLD)
    assert (await change_phone(app, user)).phone == NEW
    assert record_of(app, NEW).identity_id == user.identity.id
    assert app.database.identities[before.identity.id].value.is_closed
    assert (await sign_in(app, NEW)).identity.id == user.identity.id


async def test_a_test_number_is_for_those_who_have_one_and_no_administrator() -> None:
    app = AppHarness(policy=make_policy(test_otps=TEST_PHONES))
    user = await app.add_user(OLD)
    with pytest.raises(ConflictingValue):
        await request_code(app, user)
    with pytest.raises(ConflictingValue):
        await app.phone_change.change_phone(user, make_command(("123456", "0" * 96)))

    await app.request_otp(NEW)
    result = await app.verify_otp("123456", NEW)
    assert isinstance(result, LoggedIn)
    tester = await app.identities.authenticate(result.tokens.access_token)
    await app.create_user(tester, "Tester")
    tester = await app.identities.authenticate(result.tokens.access_token)
    _, request_id = await request_code(app, tester, OTHER)
    command = make_command(("123456", request_id), phone=OTHER)
    administrator = replace(
        tester, identity=replace(tester.identity, staff=Staff(Role.ADMINISTRATOR))
    )
    with pytest.raises(ConflictingValue):
        await app.phone_change.change_phone(administrator, command)
    assert (await app.phone_change.change_phone(tester, command)).phone == OTHER


async def test_a_code_is_valid_for_its_purpose_and_its_identity_only(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    other = await app.add_user(OTHER, "Another Name")
    code = await request_code(app, user)
    assert isinstance(await app.verify_otp(code[0], NEW, request_id=code[1]), OtpRejected)
    assert isinstance(await app.verify_otp(code[0], NEW), OtpRejected)
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(other, make_command(code))
    app.advance(minutes=10)
    result = await app.request_otp(NEW)
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(user, make_command((app.last_code, result.request_id)))
    assert record_of(app, NEW).identity_id is None


async def test_an_identity_gets_five_codes_a_day_for_changes(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    with pytest.raises(DeliveryFailed):  # it is none of the five
        await request_code(app, user, a_phone(10))
    app.messenger.result = ACCEPTED
    for number in range(5):
        app.advance(hours=1)
        await request_code(app, user, a_phone(10 + number) if number else None)
    with pytest.raises(TooManyOtpRequests) as raised:
        await request_code(app, user, NEW)
    assert raised.value.limit == "per_identity"
    assert 19 * 3600 < raised.value.retry_after <= 24 * 3600
    await sign_in(app, OLD)
    app.advance(hours=21)
    await request_code(app, user, NEW)


async def test_the_same_codes_again_are_a_success_until_another_change(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    code, old = await request_code(app, user), await request_code(app, user, None)
    command = make_command(code, old)
    changed = await app.phone_change.change_phone(user, command)
    messages = len(app.messenger.messages)
    again = replace(user, identity=changed)
    assert await app.phone_change.change_phone(again, command) == changed
    assert len(app.messenger.messages) == messages
    changed = await change_phone(app, again, OTHER)
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(replace(user, identity=changed), make_command(code))
    assert identity_of(app, user).phone == OTHER


async def test_a_session_that_has_ended_meanwhile_changes_nothing(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    code = await request_code(app, user)
    await app.identities.operator_actions.revoke_sessions(user.identity.id)
    with pytest.raises(Unauthenticated):
        await app.phone_change.change_phone(user, make_command(code))
    assert identity_of(app, user).phone == OLD


async def test_a_code_of_the_present_number_is_used_for_one_change_only(app: AppHarness) -> None:
    await app.log_in(NEW)
    user = await app.add_user(OLD)
    old, code = await request_code(app, user, None), await request_code(app, user)
    with pytest.raises(PhoneInUse):
        await app.phone_change.change_phone(user, make_command(code, old))
    other = await request_code(app, user, OTHER)
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.change_phone(user, make_command(other, old, OTHER))
    assert raised.value.field == "old_otp"
    assert identity_of(app, user).phone == OLD


async def test_the_code_that_gave_the_number_is_no_proof_for_the_next_change(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    code, other = await request_code(app, user), await request_code(app, user, OTHER)
    changed = await app.phone_change.change_phone(user, make_command(code))
    stale = replace(user, identity=changed, has_fresh_login=False)
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.change_phone(stale, make_command(other, code, OTHER))
    assert raised.value.field == "old_otp"
    assert identity_of(app, user).phone == NEW


async def test_a_user_has_a_number_which_is_no_new_one(app: AppHarness) -> None:
    principal = await app.log_in(OLD)
    with pytest.raises(UserNotFound):
        await request_code(app, principal)
    user = replace(principal, identity=await app.create_user(principal))
    code = await request_code(app, user, None)
    with pytest.raises(ConflictingValue):
        await app.phone_change.change_phone(user, make_command(code, phone=OLD))


async def test_who_knows_a_test_otp_becomes_no_administrator_by_a_change(
    app: AppHarness,
) -> None:
    user = await app.add_administrator(OLD)
    await app.create_user(user)
    app = with_test_otps(app, TestOtps((TestOtp(OLD, parse_otp_code("123456")),)))
    app.advance(hours=12)
    await app.request_otp(OLD)
    result = await app.verify_otp("123456", OLD)
    assert isinstance(result, LoggedIn)
    tester = await app.identities.authenticate(result.tokens.access_token)
    changed = await change_phone(app, tester)
    assert (changed.phone, changed.staff.role, changed.phone_changes.undo_deadlines) == (
        NEW,
        Role.MEMBER,
        (),
    )
    assert record_of(app, OLD).hold.identity_id is None


async def test_of_two_changes_of_one_session_the_slower_one_is_to_be_repeated(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    first = make_command(await request_code(app, user))
    second = make_command(await request_code(app, user, OTHER), phone=OTHER)
    app.faults.run_before("audit_log.add", lambda: app.phone_change.change_phone(user, first))
    with pytest.raises(ConcurrencyConflict):
        await app.phone_change.change_phone(user, second)
    app.faults.reset()
    again = replace(user, identity=identity_of(app, user))
    assert (await app.phone_change.change_phone(again, second)).phone == OTHER
