"""The former number undoes a change."""

from contextlib import suppress
from datetime import timedelta

import pytest

from application.phone_change.events import PhoneChangeUndone
from domain.administration.audit import AuditAction
from domain.errors import IncorrectOtp, NumberWasChanged, PhoneInUse, TooManyOtpRequests
from domain.identities.phone_change import PhoneNotice
from domain.identities.username import parse_username
from domain.otp.challenge import Purpose, parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from domain.phone_change.errors import PhoneChangeForbidden, UndoNotPossible
from tests.support.app_harness import AppHarness
from tests.support.core_harness import wrong_code
from tests.unit.application.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    identity_of,
    make_undo,
    record_of,
    request_code,
    request_undo_code,
    sign_in,
    undo,
    with_test_otps,
)


async def test_a_right_code_at_the_old_number_changes_nothing(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    for _ in range(3):  # the older app requests a code whenever its page opens
        app.advance(hours=1)
        await app.request_otp(OLD)
        assert app.messenger.messages[-1].phone == OLD
        before = record_of(app, OLD)
        for _ in range(2):
            with pytest.raises(NumberWasChanged):
                await app.verify_otp(app.last_code, OLD)
        assert record_of(app, OLD) == before
    assert identity_of(app, user).phone == NEW


async def test_an_undo_restores_the_number_and_ends_everything_else(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    thief = await sign_in(app, NEW)
    await undo(app)
    identity = identity_of(app, user)
    assert (identity.phone, identity.sessions, identity.devices) == (OLD, (), ())
    assert identity.undo_deadlines == ()
    assert (record_of(app, OLD).identity_id, record_of(app, OLD).undo_until) == (identity.id, None)
    new = record_of(app, NEW)
    assert (new.identity_id, new.previous_identity_id, new.trusted_ips) == (None, None, ())
    # The owner signs in next. The IPs of the thief are forgotten.
    (trusted,) = record_of(app, OLD).trusted_ips
    assert trusted.last_login_at == app.clock.now()
    phone, text = app.messenger.messages[-1]
    assert (phone, PhoneNotice.PHONE_CHANGE_UNDONE in text) == (NEW, True)
    assert app.events.types[-2] is PhoneChangeUndone
    assert AuditAction.UNDO_PHONE_CHANGE in [entry.action for entry in app.database.audit_entries]
    assert (await sign_in(app, OLD)).identity.id == user.identity.id
    assert (await sign_in(app, NEW)).identity.id != thief.identity.id


async def test_no_other_change_is_possible_for_seven_days_after_an_undo(app: AppHarness) -> None:
    await change_phone(app, await app.add_user(OLD))
    await undo(app)
    user = await sign_in(app, OLD)
    with pytest.raises(PhoneChangeForbidden) as raised:
        await request_code(app, user)
    assert raised.value.retry_after == (timedelta(days=7) - timedelta(hours=1)).total_seconds()
    app.advance(days=7)
    assert (await change_phone(app, await sign_in(app, OLD))).phone == NEW


async def test_an_undo_is_possible_for_seven_days(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(days=7, hours=-2)
    await undo(app)
    assert identity_of(app, user).phone == OLD


async def test_after_seven_days_the_next_owner_of_the_number_starts_anew(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(days=7, minutes=-2)
    result = await request_undo_code(app)
    app.advance(minutes=3)
    with pytest.raises(UndoNotPossible):
        await app.phone_change.undo(make_undo(app.last_code, result.request_id))
    await app.operations.cleanup()
    assert record_of(app, OLD).previous_identity_id is None
    owner = await sign_in(app, OLD)
    assert (owner.identity.id != user.identity.id, owner.identity.user) == (True, None)
    assert identity_of(app, user).phone == NEW


async def test_a_number_without_a_change_gets_the_same_response_and_no_message(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user, with_old=True)
    count = len(app.messenger.messages)
    app.advance(hours=1)
    result = await request_undo_code(app)
    assert (result.sent, result.expires_in, result.resend_in) == (True, 300, 15)
    assert len(app.messenger.messages) == count
    (challenge,) = record_of(app, OLD).challenges
    with pytest.raises(UndoNotPossible):
        await app.phone_change.undo(make_undo(app.code_of(challenge), result.request_id))
    assert identity_of(app, user).phone == NEW
    assert (await sign_in(app, OLD)).identity.id != user.identity.id


async def test_a_wrong_code_undoes_nothing(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(hours=1)
    result = await request_undo_code(app)
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.undo(make_undo(wrong_code(app.last_code), result.request_id))
    assert raised.value.attempts_left == 4
    assert identity_of(app, user).phone == NEW


async def test_the_same_code_again_is_a_success(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(hours=1)
    result = await request_undo_code(app)
    command = make_undo(app.last_code, result.request_id)
    await app.phone_change.undo(command)
    messages = len(app.messenger.messages)
    await app.phone_change.undo(command)
    assert len(app.messenger.messages) == messages
    assert identity_of(app, user).phone == OLD


async def test_deletion_of_the_account_ends_the_hold(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    await app.identities.delete_user(await sign_in(app, NEW))
    await check_nothing_to_undo(app, OLD)
    assert (await sign_in(app, OLD)).identity.id != user.identity.id


async def test_a_deletion_after_the_code_was_sent_leaves_nothing_to_undo(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(hours=1)
    result = await request_undo_code(app)
    command = make_undo(app.last_code, result.request_id)
    await app.identities.delete_user(user)
    with pytest.raises(UndoNotPossible):
        await app.phone_change.undo(command)
    assert identity_of(app, user).is_deleted


async def test_a_held_number_is_given_to_nobody_else(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    other = await app.add_user(OTHER, "Another Name")
    with pytest.raises(PhoneInUse):
        await change_phone(app, other, OLD)
    administrator = await app.add_administrator(OTHER)
    with pytest.raises(PhoneInUse):
        await app.identities.create_user(administrator, parse_username("A Third Name"), OLD)
    assert record_of(app, OLD).previous_identity_id == user.identity.id


async def test_its_account_can_change_back_to_a_held_number(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    changed = await change_phone(app, await sign_in(app, NEW), OLD)
    assert (changed.phone, record_of(app, OLD).undo_until) == (OLD, None)
    assert record_of(app, NEW).previous_identity_id == user.identity.id


async def test_an_undo_of_the_first_change_is_not_undone_by_a_later_number(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    await change_phone(app, await sign_in(app, NEW), OTHER)
    await undo(app, NEW)  # the last change
    assert identity_of(app, user).phone == NEW
    await undo(app, OLD)
    assert identity_of(app, user).phone == OLD
    assert (await sign_in(app, NEW)).identity.id != user.identity.id


async def test_a_number_in_between_undoes_nothing_after_the_first_one_did(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    await change_phone(app, await sign_in(app, NEW), OTHER)
    await undo(app, OLD)
    await check_nothing_to_undo(app, NEW)
    assert identity_of(app, user).phone == OLD
    assert (await sign_in(app, NEW)).identity.id != user.identity.id


async def test_an_undo_gives_no_test_number_to_others() -> None:
    test_otps = TestOtps((TestOtp(OLD, parse_otp_code("123456")),))
    app = AppHarness()
    user = await app.add_user(OLD)
    await change_phone(app, user)
    later = with_test_otps(app, test_otps)
    later.advance(hours=1)
    result = await request_undo_code(later)
    with pytest.raises(UndoNotPossible):
        await later.phone_change.undo(make_undo("123456", result.request_id))
    assert identity_of(app, user).phone == NEW


async def check_nothing_to_undo(app: AppHarness, phone: PhoneNumber) -> None:
    """The number gets the same response as any other, and no message."""
    app.advance(hours=1)
    count = len(app.messenger.messages)
    result = await request_undo_code(app, phone)
    assert (result.sent, result.expires_in, result.resend_in) == (True, 300, 15)
    assert len(app.messenger.messages) == count
    assert record_of(app, phone).previous_identity_id is None


@pytest.mark.parametrize("is_held", [True, False])
async def test_codes_of_all_purposes_together_are_twelve_a_day(
    app: AppHarness, is_held: bool
) -> None:
    administrator = await app.add_administrator(OLD)
    if is_held:
        await app.create_user(administrator)
        await change_phone(app, await app.log_in(OLD))
    other = await app.add_user(OTHER, "Another Name")
    app.advance(days=1)
    limit = app.policy.otp.delivery_policy.per_phone[-1].limit
    before, responses = len(app.messenger.messages), 0
    for number in range(24 * 6):
        app.advance(minutes=10)
        client_ip = f"198.51.{number % 20}.7"
        for purpose in Purpose:
            identity_id = other.identity.id if purpose is Purpose.CHANGE_PHONE else None
            with suppress(TooManyOtpRequests):
                result = await app.request_otp(
                    OLD, client_ip, purpose=purpose, identity_id=identity_id
                )
                responses += result.sent
    sent = [message.phone for message in app.messenger.messages[before:]]
    assert responses == limit
    # Without a change to undo, nothing is sent for that purpose, and the response says nothing.
    assert set(sent) == {OLD}
    assert len(sent) == limit if is_held else len(sent) <= limit


async def test_a_code_that_undid_a_change_undoes_no_later_one(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(hours=1)
    result = await request_undo_code(app)
    command = make_undo(app.last_code, result.request_id)
    await app.phone_change.undo(command)
    await app.move_phone(user.identity.id, NEW, can_be_undone=True)
    with pytest.raises(IncorrectOtp):
        await app.phone_change.undo(command)
    assert identity_of(app, user).phone == NEW


async def test_nothing_is_undone_for_an_account_that_is_deleted_meanwhile(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    app.advance(hours=1)
    result = await request_undo_code(app)
    command = make_undo(app.last_code, result.request_id)

    async def delete() -> None:
        await app.identities.delete_user.by_id(user.identity.id)

    app.faults.run_before("audit_log.add", delete)
    with pytest.raises(UndoNotPossible):
        await app.phone_change.undo(command)
    app.faults.reset()
    with pytest.raises(UndoNotPossible):
        await app.phone_change.undo(command)
