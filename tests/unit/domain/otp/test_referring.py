"""An ask that sends nothing: who is referred to the message under way, and who is refused."""

import pytest

from domain.errors import TooManyOtpRequests
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of


def test_the_first_ask_sends(desk: Desk) -> None:
    asked = desk.ask()
    assert asked.is_new
    assert [send.request_id for send in desk.record.deliveries] == [asked.delivery.request_id]


def test_asking_again_at_once_refers_to_the_message_under_way(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(14)
    again = desk.ask()
    assert not again.is_new
    assert again.delivery == first.delivery
    assert again.challenge == first.challenge


def test_a_referral_says_when_the_next_message_goes_out(desk: Desk) -> None:
    desk.ask()
    desk.wait(4)
    again = desk.ask()
    assert (again.next_request_at - desk.now).total_seconds() == 11


def test_a_referral_changes_nothing(desk: Desk) -> None:
    desk.ask()
    before = desk.record
    desk.ask()
    assert desk.record is before


def test_asking_from_elsewhere_at_once_is_refused(desk: Desk) -> None:
    desk.ask(HOME)
    desk.wait(4)
    with pytest.raises(TooManyOtpRequests) as refusal:
        desk.ask(WORK)
    assert refusal.value.retry_after == 11


def test_a_refusal_changes_nothing(desk: Desk) -> None:
    desk.ask(HOME)
    before = desk.record
    with pytest.raises(TooManyOtpRequests):
        desk.ask(WORK)
    assert desk.record is before


def test_somebody_whose_message_was_followed_by_another_is_refused(desk: Desk) -> None:
    desk.ask(HOME)
    desk.wait(15)
    desk.ask(WORK)
    desk.wait(1)
    with pytest.raises(TooManyOtpRequests):
        desk.ask(HOME)


def test_nobody_is_referred_to_a_code_that_was_used(desk: Desk) -> None:
    asked = desk.ask()
    assert desk.answer(code_of(asked.challenge.id)).is_correct
    desk.wait(5)
    with pytest.raises(TooManyOtpRequests) as refusal:
        desk.ask()
    assert refusal.value.retry_after == 10


def test_after_the_cool_down_a_spent_budget_refuses_even_who_asked_last(desk: Desk) -> None:
    for _ in range(3):
        desk.send()
    desk.wait(14)
    assert not desk.ask().is_new
    desk.wait(1)
    with pytest.raises(TooManyOtpRequests):
        desk.ask()


def test_a_referral_within_a_spent_budget_tells_the_true_wait(desk: Desk) -> None:
    for _ in range(3):
        desk.send()
    desk.wait(1)
    again = desk.ask()
    assert (again.next_request_at - desk.now).total_seconds() == 15 * 60 - 31
