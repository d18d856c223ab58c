"""The former number undoes a change by the code in the message that it was changed."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from application.otp.events import OtpAttemptsExhausted, OtpVerificationFailed
from application.phone_change.undo_by_notice import UndoByNoticeCommand
from application.phone_change.undo_codes import UndoCodes
from application.ports.keys import Key
from domain.errors import IncorrectOtp, TooManyAttemptsFromIp, TooManyOtpRequests
from domain.identities.phone_change import UNDO_PERIOD, PhoneNotice
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.undo_code import UndoCode
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, NOW
from tests.support.fakes.messenger import ACCEPTED, REJECTED
from tests.support.keys import FakeKeyRing
from tests.support.policies import make_policy
from tests.unit.application.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    codes_of,
    identity_of,
    request_undo_code,
)

WRONG: Final = UndoCode("ABCDEFGHJKLM")


async def undo(
    app: AppHarness, code: UndoCode, phone: PhoneNumber = OLD, client_ip: str = CLIENT_IP
) -> None:
    await app.phone_change.undo_by_notice(
        UndoByNoticeCommand(phone=phone, code=code, client_ip=client_ip)
    )


async def check_void(app: AppHarness, code: UndoCode, phone: PhoneNumber = OLD) -> None:
    """The response is that of a wrong code, and nothing has changed."""
    before = app.database.identities, app.database.phone_verifications
    with pytest.raises(IncorrectOtp) as raised:
        await undo(app, code, phone)
    assert (raised.value.field, raised.value.attempts_left) == ("undo_code", None)
    assert (app.database.identities, app.database.phone_verifications) == before
    assert app.events.types[-1] is OtpVerificationFailed


async def test_nobody_keeps_the_owner_from_the_undo_and_the_sign_in_after_it(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    (code,) = codes_of(app)
    for number in range(24):  # from four networks, for codes of both kinds
        app.advance(hours=1)
        for request in (app.request_otp, lambda *args: request_undo_code(app, *args)):
            with suppress(TooManyOtpRequests):
                await request(OLD, f"198.51.{number % 4}.7")
        with pytest.raises(IncorrectOtp):
            await undo(app, WRONG, client_ip=f"198.51.{number % 4}.7")
    with pytest.raises(TooManyOtpRequests):
        await request_undo_code(app)
    await undo(app, code)
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
    await undo(app, codes[0])
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


async def test_a_code_is_void_while_its_number_is_blocked(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    (code,) = codes_of(app)
    await app.identities.operator_actions.block(OLD)
    await check_void(app, code)
    await app.identities.operator_actions.unblock(OLD)
    await undo(app, code)
    assert identity_of(app, user).phone == OLD


async def test_a_change_without_undo_has_no_code_and_voids_earlier_ones(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    (code,) = codes_of(app)
    await app.move_phone(user.identity.id, OTHER, can_be_undone=False)
    phone, text = app.messenger.messages[-1]
    assert (phone, text.split()[0]) == (NEW, PhoneNotice.PHONE_CHANGED_WITHOUT_UNDO)
    assert codes_of(app, NEW) == []
    await check_void(app, code)
    assert identity_of(app, user).phone == OTHER


async def test_attempts_are_limited_by_ip_alone() -> None:
    limits = RateLimits(verifications_per_ip=SlidingWindow(3, timedelta(hours=1)))
    app = AppHarness(policy=make_policy(rate_limits=limits))
    user = await app.add_user(OLD)
    await change_phone(app, user)
    (code,) = codes_of(app)
    app.advance(hours=2)
    for client_ip in ("192.0.2.1", "198.51.100.1"):
        for _ in range(3):
            with pytest.raises(IncorrectOtp):
                await undo(app, WRONG, client_ip=client_ip)
        with pytest.raises(TooManyAttemptsFromIp) as raised:
            await undo(app, code, client_ip=client_ip)
        assert 0 < raised.value.retry_after <= timedelta(hours=1).total_seconds() + 120
        assert app.events.types[-1] is OtpAttemptsExhausted
    await undo(app, code)
    assert identity_of(app, user).phone == OLD


async def test_a_number_with_a_hold_is_answered_after_as_many_reads_as_any_other(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    calls = []
    for phone in (OLD, NEW, OTHER):
        app.faults.reset()
        with pytest.raises(IncorrectOtp):
            await undo(app, WRONG, phone)
        calls.append(app.faults.calls)
    assert calls[0] == calls[1] == calls[2] != []


async def test_nothing_that_is_stored_has_the_code(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    await change_phone(app, user)
    (code,) = codes_of(app)
    await undo(app, code)
    stored = repr([[*table.values()] for table in app.database.records.tables.values()])
    assert identity_of(app, user).id in stored
    for part in (code.symbols, *code.text.split("-")):
        assert part not in stored.upper()
