"""The former number undoes a change, by a code that it requests or by the one in the message."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from application.features.phone_change.events import PhoneChangeUndone
from application.features.phone_change.undo_by_notice import UndoByNoticeCommand
from application.features.phone_change.undo_codes import UndoCodes
from application.otp.events import OtpAttemptsExhausted, OtpVerificationFailed
from application.ports.keys import Key
from domain.administration.audit import AuditAction
from domain.errors import (
    IncorrectOtp,
    NumberWasChanged,
    PhoneInUse,
    TooManyAttemptsFromIp,
    TooManyOtpRequests,
)
from domain.features.phone_change.errors import PhoneChangeForbidden, UndoNotPossible
from domain.identities.phone_change import UNDO_PERIOD, PhoneNotice
from domain.identities.username import parse_username
from domain.otp.challenge import Purpose, parse_otp_code
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.otp.undo_code import UndoCode
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.core_harness import wrong_code
from tests.support.fakes.messenger import ACCEPTED, REJECTED
from tests.support.keys import FakeKeyRing
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    add_user_with_new_number,
    change_phone,
    codes_of,
    identity_of,
    make_undo,
    record_of,
    request_code,
    request_undo_code,
    sign_in,
    undo,
    with_test_otps,
)

Act = Callable[[], Awaitable[object]]
Prepare = Callable[[AppHarness, PhoneNumber], Awaitable[Act]]
VOID = (UndoNotPossible, IncorrectOtp)
WRONG: Final = UndoCode("ABCDEFGHJKLM")


async def by_request(app: AppHarness, phone: PhoneNumber) -> Act:
    """Return the undo by a code that the former number requests."""
    app.advance(hours=1)
    result = await request_undo_code(app, phone)
    code = app.code_of(record_of(app, phone).challenges.all[-1], phone)
    return partial(app.phone_change.undo, make_undo(code, result.request_id, phone))


async def undo_with(
    app: AppHarness, code: UndoCode, phone: PhoneNumber = OLD, client_ip: str = CLIENT_IP
) -> bool:
    return await app.phone_change.undo_by_notice(
        UndoByNoticeCommand(phone=phone, code=code, client_ip=client_ip)
    )


async def by_notice(app: AppHarness, phone: PhoneNumber) -> Act:
    """Return the undo by the code in the message that the number was changed."""
    return partial(undo_with, app, codes_of(app, phone)[-1], phone)


BOTH = pytest.mark.parametrize("prepare", [by_request, by_notice])


async def test_a_right_code_at_the_old_number_changes_nothing(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
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


@BOTH
async def test_an_undo_restores_the_number_and_ends_everything_else(
    app: AppHarness, prepare: Prepare
) -> None:
    user = await add_user_with_new_number(app)
    thief = await sign_in(app, NEW)
    await (await prepare(app, OLD))()
    identity = identity_of(app, user)
    assert (identity.phone, identity.sessions, identity.devices) == (OLD, (), ())
    assert identity.phone_changes.undo_deadlines == ()
    assert (record_of(app, OLD).identity_id, record_of(app, OLD).hold.undo_until) == (
        identity.id,
        None,
    )
    new = record_of(app, NEW)
    assert (new.identity_id, new.hold.identity_id, new.trusted_ips) == (None, None, ())
    # The owner signs in next. The IPs of the thief are forgotten.
    (trusted,) = record_of(app, OLD).trusted_ips
    assert trusted.last_login_at == app.clock.now()
    phone, text = app.messenger.messages[-1]
    assert (phone, PhoneNotice.PHONE_CHANGE_UNDONE in text) == (NEW, True)
    assert app.events.types[-2] is PhoneChangeUndone
    actions = [entry.action for entry in app.database.audit_entries]
    assert actions == [AuditAction.CHANGE_PHONE, AuditAction.UNDO_PHONE_CHANGE]
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


@BOTH
@pytest.mark.parametrize("is_late", [False, True])
async def test_an_undo_is_possible_for_seven_days(
    app: AppHarness, prepare: Prepare, is_late: bool
) -> None:
    user = await add_user_with_new_number(app)
    undo_until = record_of(app, OLD).hold.undo_until
    assert undo_until is not None
    app.advance(days=7, hours=-1, minutes=-3)
    act = await prepare(app, OLD)
    app.clock.advance(undo_until - app.clock.now() - timedelta(seconds=not is_late))
    if not is_late:
        await act()
        assert identity_of(app, user).phone == OLD
        return
    with pytest.raises(VOID):
        await act()
    await app.operations.cleanup()
    stored = app.database.phone_verifications.get(OLD)
    assert stored is None or stored.value.hold.identity_id is None
    owner = await sign_in(app, OLD)
    assert (owner.identity.id != user.identity.id, owner.identity.user) == (True, None)
    assert identity_of(app, user).phone == NEW


async def test_a_number_without_a_change_gets_the_same_response_and_no_message(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user, with_old=True)
    await check_nothing_to_undo(app, OLD)
    with pytest.raises(UndoNotPossible):
        await (await by_request(app, OLD))()
    assert identity_of(app, user).phone == NEW
    assert (await sign_in(app, OLD)).identity.id != user.identity.id


async def test_a_wrong_code_undoes_nothing(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    app.advance(hours=1)
    result = await request_undo_code(app)
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.undo(make_undo(wrong_code(app.last_code), result.request_id))
    assert raised.value.attempts_left == 4
    assert identity_of(app, user).phone == NEW


@pytest.mark.parametrize("is_interrupted", [False, True])
async def test_deletion_of_the_account_ends_the_hold(app: AppHarness, is_interrupted: bool) -> None:
    user = await add_user_with_new_number(app)
    changed = await sign_in(app, NEW)
    if is_interrupted:  # the record of the number is as it was
        app.faults.fail_on("phone_verifications.save")
    await app.identities.delete_user(changed)
    app.faults.reset()
    await check_nothing_to_undo(app, OLD)
    assert (await sign_in(app, OLD)).identity.id != user.identity.id


@BOTH
@pytest.mark.parametrize("is_begun", [False, True])
async def test_nothing_is_undone_for_an_account_that_is_deleted_meanwhile(
    app: AppHarness, prepare: Prepare, is_begun: bool
) -> None:
    user = await add_user_with_new_number(app)
    act = await prepare(app, OLD)

    async def delete() -> None:
        await app.identities.delete_user.by_id(user.identity.id)

    if is_begun:
        app.faults.run_before("audit_log.add", delete)
        with pytest.raises(UndoNotPossible):
            await act()
        app.faults.reset()
    else:
        await delete()
    with pytest.raises(VOID):
        await act()
    assert identity_of(app, user).is_deleted


async def test_a_held_number_is_given_to_nobody_else(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    other = await app.add_user(OTHER, "Another Name")
    with pytest.raises(PhoneInUse):
        await change_phone(app, other, OLD)
    administrator = await app.add_administrator(OTHER)
    with pytest.raises(PhoneInUse):
        await app.identities.create_user(administrator, parse_username("A Third Name"), OLD)
    assert record_of(app, OLD).hold.identity_id == user.identity.id


async def test_its_account_can_change_back_to_a_held_number(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    changed = await change_phone(app, await sign_in(app, NEW), OLD)
    assert (changed.phone, record_of(app, OLD).hold.undo_until) == (OLD, None)
    assert record_of(app, NEW).hold.identity_id == user.identity.id


@BOTH
@pytest.mark.parametrize("is_last_first", [True, False])
async def test_of_a_chain_each_number_undoes_its_change_until_an_earlier_one_did(
    app: AppHarness, prepare: Prepare, is_last_first: bool
) -> None:
    user = await add_user_with_new_number(app)
    await change_phone(app, await sign_in(app, NEW), OTHER)
    if is_last_first:
        await (await prepare(app, NEW))()
        assert identity_of(app, user).phone == NEW
    await (await prepare(app, OLD))()
    assert identity_of(app, user).phone == OLD
    with pytest.raises(VOID):
        await (await prepare(app, NEW))()
    await check_nothing_to_undo(app, NEW)
    assert identity_of(app, user).phone == OLD
    assert (await sign_in(app, NEW)).identity.id != user.identity.id


async def test_an_undo_gives_no_test_number_to_others() -> None:
    app = AppHarness()
    user = await add_user_with_new_number(app)
    later = with_test_otps(app, TestOtps((TestOtp(OLD, parse_otp_code("123456")),)))
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
    assert (result.sent, result.expires_in) == (True, 300)
    assert len(app.messenger.messages) == count
    assert record_of(app, phone).hold.identity_id is None


async def test_codes_of_all_purposes_together_are_twelve_a_day(app: AppHarness) -> None:
    await add_user_with_new_number(app)
    other = await app.add_user(OTHER, "Another Name")
    app.advance(days=1)
    limit = app.policy.otp.delivery_policy.per_phone[-1].limit
    before, responses = len(app.messenger.messages), 0
    for number in range(12):
        app.advance(hours=1)
        client_ip = f"198.51.{number % 20}.7"
        for purpose in Purpose:
            identity_id = other.identity.id if purpose is Purpose.CHANGE_PHONE else None
            with suppress(TooManyOtpRequests):
                result = await app.request_otp(
                    OLD, client_ip, purpose=purpose, identity_id=identity_id
                )
                responses += result.sent
    sent = [message.phone for message in app.messenger.messages[before:]]
    assert (responses, sent) == (limit, [OLD] * limit)


@BOTH
async def test_the_same_code_again_is_a_success_and_undoes_no_later_change(
    app: AppHarness, prepare: Prepare
) -> None:
    user = await add_user_with_new_number(app)
    act = await prepare(app, OLD)
    await act()
    messages = len(app.messenger.messages)
    app.peppers.change(("second", bytes(32)), ("first", bytes(range(32))))
    await act()
    assert len(app.messenger.messages) == messages
    assert identity_of(app, user).phone == OLD
    app.advance(seconds=1)
    await app.move_phone(user.identity.id, NEW, can_be_undone=True)
    with pytest.raises(IncorrectOtp):
        await act()
    assert identity_of(app, user).phone == NEW


async def check_void(app: AppHarness, code: UndoCode, phone: PhoneNumber = OLD) -> None:
    """The response is that of a wrong code, and nothing has changed."""
    before = app.database.identities, app.database.phone_verifications
    with pytest.raises(IncorrectOtp) as raised:
        await undo_with(app, code, phone)
    assert (raised.value.field, raised.value.attempts_left) == ("undo_code", None)
    assert (app.database.identities, app.database.phone_verifications) == before
    assert app.events.types[-1] is OtpVerificationFailed


async def test_nobody_keeps_the_owner_from_the_undo_and_the_sign_in_after_it(
    app: AppHarness,
) -> None:
    user = await add_user_with_new_number(app)
    (code,) = codes_of(app)
    for number in range(24):  # from four networks, for codes of both kinds
        app.advance(hours=1)
        for request in (app.request_otp, lambda *args: request_undo_code(app, *args)):
            with suppress(TooManyOtpRequests):
                await request(OLD, f"198.51.{number % 4}.7")
        with pytest.raises(IncorrectOtp):
            await undo_with(app, WRONG, client_ip=f"198.51.{number % 4}.7")
    app.advance(minutes=10)
    with pytest.raises(TooManyOtpRequests):
        await request_undo_code(app, client_ip="198.51.9.7")
    # The IP of a login before the change has messages of its own, for an undo only.
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(OLD)
    assert (await request_undo_code(app)).sent
    assert app.messenger.messages[-1].phone == OLD
    await undo_with(app, code)
    assert identity_of(app, user).phone == OLD
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(OLD, "198.51.1.7")
    assert (await app.request_otp(OLD)).sent


async def test_a_message_that_is_tried_again_has_the_same_code(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    await app.move_phone(user.identity.id, NEW, can_be_undone=True)
    for result in (REJECTED, ACCEPTED):
        app.messenger.result = result
        app.advance(minutes=5)
        await app.operations.cleanup()
    codes = codes_of(app)
    assert codes == [codes[0]] * 3
    await undo_with(app, codes[0])
    assert identity_of(app, user).phone == OLD


class AgedKeyRing(FakeKeyRing):
    """A ring whose keys became active at different times, newest first."""

    def __init__(self, *ages: timedelta) -> None:
        self._keys = tuple(Key(str(age), NOW - age, str(age).encode()) for age in ages)
        self._signs = self._keys[0].id


def test_the_code_stays_the_same_and_is_accepted_after_a_rotation_of_the_keys() -> None:
    day = timedelta(days=1)
    identity_id, deadline = "1" * 24, NOW - day + UNDO_PERIOD
    code = UndoCodes(AgedKeyRing(2 * day)).derive(identity_id, OLD, deadline)
    rotated = UndoCodes(AgedKeyRing(-day, timedelta(0), 2 * day))
    assert rotated.derive(identity_id, OLD, deadline) == code
    assert rotated.is_code_of(code, identity_id, OLD, deadline)
    assert rotated.derive(identity_id, OLD, deadline + day) != code
    without_key = UndoCodes(AgedKeyRing(timedelta(0)))
    assert not without_key.is_code_of(code, identity_id, OLD, deadline)


async def test_a_code_is_void_while_its_number_is_blocked_and_after_a_change_without_undo(
    app: AppHarness,
) -> None:
    user = await add_user_with_new_number(app)
    (code,) = codes_of(app)
    await app.identities.operator_actions.block(OLD)
    await check_void(app, code)
    await app.identities.operator_actions.unblock(OLD)
    await app.move_phone(user.identity.id, OTHER, can_be_undone=False)
    phone, text = app.messenger.messages[-1]
    assert (phone, text.split()[0]) == (NEW, PhoneNotice.PHONE_CHANGED_WITHOUT_UNDO)
    assert codes_of(app, NEW) == []
    await check_void(app, code)
    assert identity_of(app, user).phone == OTHER


async def test_attempts_are_limited_by_ip_alone() -> None:
    limits = RateLimits(verifications_per_ip=SlidingWindow(3, timedelta(hours=1)))
    app = AppHarness(policy=make_policy(rate_limits=limits))
    user = await add_user_with_new_number(app)
    (code,) = codes_of(app)
    app.advance(hours=2)
    for client_ip in ("192.0.2.1", "198.51.100.1"):
        for _ in range(3):
            with pytest.raises(IncorrectOtp):
                await undo_with(app, WRONG, client_ip=client_ip)
        with pytest.raises(TooManyAttemptsFromIp) as raised:
            await undo_with(app, code, client_ip=client_ip)
        assert 0 < raised.value.retry_after <= timedelta(hours=1).total_seconds() + 120
        assert app.events.types[-1] is OtpAttemptsExhausted
    await undo_with(app, code)
    assert identity_of(app, user).phone == OLD


async def test_a_wrong_code_has_the_same_effect_for_each_number_after_as_many_reads(
    app: AppHarness,
) -> None:
    await change_phone(app, await app.add_user(OLD))
    calls = []
    for phone in (OLD, NEW, OTHER):
        app.faults.reset()
        await check_void(app, WRONG, phone)
        calls.append(app.faults.calls)
    assert calls[0] == calls[1] == calls[2] != []


@pytest.mark.parametrize("purpose", [Purpose.SIGN_IN, Purpose.UNDO_PHONE_CHANGE])
async def test_accounts_blocks_and_holds_cause_the_same_calls(
    app: AppHarness, purpose: Purpose
) -> None:
    """So the time of a request for a code reveals nothing."""
    await add_user_with_new_number(app)
    blocked, blocked_user = a_phone(4), a_phone(5)
    await app.add_user(blocked_user, "Asha Rao")
    for phone in (blocked, blocked_user):
        await app.identities.operator_actions.block(phone)
    app.advance(days=1)

    calls = {}
    for phone in (OTHER, OLD, NEW, blocked, blocked_user):
        app.faults.reset()
        await app.request_otp(phone, purpose=purpose)
        first = app.faults.calls
        app.faults.reset()
        await app.request_otp(phone, purpose=purpose)
        calls[phone] = (first, app.faults.calls)

    assert calls[OTHER][0] != calls[OTHER][1] != []
    assert [*calls.values()] == [calls[OTHER]] * 5


async def test_nothing_that_is_stored_has_the_code(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    (code,) = codes_of(app)
    await undo_with(app, code)
    stored = repr([[*table.values()] for table in app.database.records.tables.values()])
    assert identity_of(app, user).id in stored
    for part in (code.symbols, *code.text.split("-")):
        assert part not in stored.upper()
