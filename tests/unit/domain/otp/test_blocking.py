"""A blocked phone gets the answers that any phone gets; nothing is sent, and no code is right."""

from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_phone_verification
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of


def blocked() -> Desk:
    """The desk of a phone that is blocked, and never asked."""
    return Desk(PhoneVerification().block(NOW))


def told(desk: Desk, address: str) -> object:
    """What somebody who asks is told."""
    try:
        asked = desk.ask(address)
    except TooManyOtpRequests as refusal:
        return refusal.retry_after
    return asked.is_new, asked.challenge.expires_at, asked.next_request_at


def test_asks_are_answered_and_counted_as_ever(desk: Desk) -> None:
    other = blocked()
    for seconds in (0, 1, 14, 15, 30, 900):
        desk.wait(seconds)
        other.wait(seconds)
        for address in (HOME, WORK):
            assert told(other, address) == told(desk, address)
    assert len(other.record.deliveries) > 3
    assert other.record.unblock() == desk.record


def test_no_message_is_to_leave(desk: Desk) -> None:
    assert desk.ask().should_deliver
    asked = blocked().ask()
    assert (asked.is_new, asked.is_suppressed, asked.should_deliver) == (True, True, False)


def test_what_is_referred_to_is_not_to_leave_either(desk: Desk) -> None:
    desk.ask()
    again = desk.ask()
    assert (again.is_suppressed, again.should_deliver) == (False, False)


def test_a_code_sent_before_is_wrong_and_counted(desk: Desk) -> None:
    asked = desk.ask()
    desk.record = desk.record.block(desk.now)
    code, request_id = code_of(asked.challenge.id), asked.delivery.request_id
    told = [desk.answer(code, request_id=request_id) for _ in range(5)]
    assert [(one.is_correct, one.attempts_left) for one in told] == [
        (False, left) for left in (4, 3, 2, 1, 0)
    ]
    with pytest.raises(TooManyAttempts):
        desk.answer(code, request_id=request_id)


def test_a_right_code_spends_nothing_and_makes_no_address_known(desk: Desk) -> None:
    asked = desk.ask()
    desk.record = desk.record.block(desk.now)
    assert not desk.answer(code_of(asked.challenge.id), WORK).is_correct
    assert [one.used_at for one in desk.record.challenges] == [None]
    assert desk.record.trusted_ips == ()


def test_unblocked_it_takes_what_is_alive_by_its_own_rules(desk: Desk) -> None:
    asked = desk.ask()
    code = code_of(asked.challenge.id)
    desk.record = desk.record.block(desk.now)
    assert not desk.answer(code).is_correct
    desk.record = desk.record.unblock()
    assert desk.later(299).answer(code).is_correct
    assert not desk.later(300).answer(code).is_correct


def test_what_was_counted_while_it_was_blocked_stays_counted() -> None:
    desk = blocked()
    asked = desk.ask()
    desk.tries(5, request_id=asked.delivery.request_id)
    desk.record = desk.record.unblock()
    with pytest.raises(TooManyAttempts):
        desk.tries(1, request_id=asked.delivery.request_id)


def test_a_code_that_was_withheld_is_sent_by_the_next_ask() -> None:
    desk = blocked()
    withheld = desk.ask()
    desk.record = desk.record.unblock()
    desk.wait(15)
    asked = desk.ask()
    assert asked.should_deliver
    assert asked.challenge == withheld.challenge


def test_it_was_blocked_when_it_was_blocked_first() -> None:
    record = PhoneVerification().block(NOW)
    assert record.block(NOW + timedelta(days=1)) is record
    assert record.blocked_at == NOW


def test_unblocking_what_is_not_blocked_changes_nothing() -> None:
    record = a_phone_verification()
    assert record.unblock() is record


def test_a_blocked_record_never_lapses() -> None:
    assert PhoneVerification().block(NOW).expires_at is None
    assert PhoneVerification().block(NOW).unblock().expires_at == PhoneVerification().expires_at


def test_nothing_that_happens_to_it_unblocks_it(desk: Desk) -> None:
    desk.record = desk.record.block(NOW)
    asked = desk.ask()
    desk.tries(1)
    desk.record = (
        desk.record.cancel_delivery(asked.delivery.request_id)
        .assign_identity("somebody")
        .assign_identity(None)
    )
    desk.record = desk.record.drop_challenges_without_key(lambda _: False)
    desk.wait(days=400)
    desk.ask()
    assert desk.record.blocked_at == NOW
