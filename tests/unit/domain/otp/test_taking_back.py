"""A message that no sender would have costs nobody anything, and helps nobody either."""

from contextlib import suppress

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.phone_verification import PhoneVerification
from tests.unit.domain.otp.desk import HOME, WORK, WRONG, Desk, code_of, stranger

MOST_TRIES_A_DAY = 30 + 5 * 10


def take_back(desk: Desk, request_id: str) -> None:
    """No sender would have this message."""
    desk.record = desk.record.cancel_delivery(request_id)


def test_it_is_as_if_it_had_not_been_asked_for(desk: Desk) -> None:
    asked = desk.ask()
    take_back(desk, asked.delivery.request_id)
    assert desk.record == PhoneVerification()


def test_the_next_ask_need_not_wait(desk: Desk) -> None:
    for _ in range(50):
        asked = desk.ask()
        assert asked.is_new
        take_back(desk, asked.delivery.request_id)


def test_its_code_is_worth_nothing(desk: Desk) -> None:
    asked = desk.ask()
    take_back(desk, asked.delivery.request_id)
    assert not desk.answer(code_of(asked.challenge.id)).is_correct


def test_its_id_is_one_that_nobody_knows(desk: Desk) -> None:
    desk.send()
    desk.wait(15)
    asked = desk.ask()
    take_back(desk, asked.delivery.request_id)
    code = code_of(asked.challenge.id)
    assert not desk.answer(code, request_id=asked.delivery.request_id).is_correct


def test_a_code_that_went_out_before_stays_good(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(15)
    again = desk.ask()
    assert again.challenge == first.challenge
    take_back(desk, again.delivery.request_id)
    assert desk.answer(code_of(first.challenge.id)).is_correct


def test_a_code_that_went_out_afterwards_stays_good(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(15)
    again = desk.ask()
    take_back(desk, first.delivery.request_id)
    assert desk.answer(code_of(again.challenge.id), request_id=again.delivery.request_id).is_correct


def test_a_new_code_that_did_not_go_out_leaves_the_old_one(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(250)
    second = desk.ask()
    take_back(desk, second.delivery.request_id)
    assert desk.record.active_challenges(desk.now) == (first.challenge,)


def test_the_slot_of_the_reserve_comes_back_too(desk: Desk) -> None:
    first = desk.send(HOME)
    assert desk.answer(code_of(first.challenge.id), HOME).is_correct
    for number in range(4):
        desk.send(stranger(number))
    desk.wait(15)
    asked = desk.ask(HOME)
    assert asked.delivery.uses_trusted_ip_quota
    take_back(desk, asked.delivery.request_id)
    assert desk.ask(HOME).delivery.uses_trusted_ip_quota


def test_taking_back_what_is_not_there_changes_nothing(desk: Desk) -> None:
    desk.ask()
    before = desk.record
    take_back(desk, "unknown")
    assert desk.record == before


def test_tries_made_before_it_was_taken_back_count_within_the_tries_of_a_day(desk: Desk) -> None:
    """Otherwise a phone that no sender reaches could be guessed at without end."""
    counted = 0
    for number in range(200):
        with suppress(TooManyOtpRequests):
            asked = desk.ask(stranger(number))
            with suppress(TooManyAttempts):
                for _ in range(5):
                    desk.answer(WRONG, stranger(number))
                    counted += 1
            take_back(desk, asked.delivery.request_id)
        desk.wait(minutes=7)
    assert counted <= MOST_TRIES_A_DAY


def test_what_others_asked_for_is_not_taken_back(desk: Desk) -> None:
    others = desk.ask(WORK)
    desk.wait(15)
    asked = desk.ask(HOME)
    take_back(desk, asked.delivery.request_id)
    assert desk.record.deliveries == (others.delivery,)
