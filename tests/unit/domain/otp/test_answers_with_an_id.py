"""An answer that names the message that it came with draws on that message's five tries."""

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of, stranger


def test_the_right_code_signs_in(desk: Desk) -> None:
    asked = desk.ask()
    assert desk.answer(code_of(asked.challenge.id), request_id=asked.delivery.request_id).is_correct


def test_five_wrong_answers_are_told_how_many_are_left_down_to_none(desk: Desk) -> None:
    asked = desk.ask()
    assert desk.tries(5, request_id=asked.delivery.request_id) == [4, 3, 2, 1, 0]


def test_the_sixth_answer_is_refused(desk: Desk) -> None:
    asked = desk.ask()
    desk.tries(5, request_id=asked.delivery.request_id)
    with pytest.raises(TooManyAttempts):
        desk.tries(1, request_id=asked.delivery.request_id)


def test_after_five_wrong_answers_even_the_right_code_is_refused(desk: Desk) -> None:
    asked = desk.ask()
    desk.tries(5, request_id=asked.delivery.request_id)
    with pytest.raises(TooManyAttempts):
        desk.answer(code_of(asked.challenge.id), request_id=asked.delivery.request_id)


def test_after_four_wrong_answers_the_right_code_is_taken(desk: Desk) -> None:
    asked = desk.ask()
    desk.tries(4, request_id=asked.delivery.request_id)
    assert desk.answer(code_of(asked.challenge.id), request_id=asked.delivery.request_id).is_correct


def test_a_refused_answer_changes_nothing(desk: Desk) -> None:
    asked = desk.ask()
    desk.tries(5, request_id=asked.delivery.request_id)
    before = desk.record
    with pytest.raises(TooManyAttempts):
        desk.tries(1, request_id=asked.delivery.request_id)
    assert desk.record is before


def test_the_five_are_the_same_from_wherever_they_are_tried(desk: Desk) -> None:
    asked = desk.ask()
    left = [desk.tries(1, stranger(number), asked.delivery.request_id)[0] for number in range(5)]
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyAttempts):
        desk.tries(1, WORK, asked.delivery.request_id)


def test_a_resend_brings_five_tries_of_its_own(desk: Desk) -> None:
    first = desk.ask()
    desk.tries(5, request_id=first.delivery.request_id)
    desk.wait(15)
    again = desk.ask()
    assert again.challenge == first.challenge
    assert desk.tries(4, request_id=again.delivery.request_id) == [4, 3, 2, 1]
    assert desk.answer(code_of(again.challenge.id), request_id=again.delivery.request_id).is_correct


def test_a_resend_gives_the_message_before_no_try_back(desk: Desk) -> None:
    first = desk.ask()
    desk.tries(5, request_id=first.delivery.request_id)
    desk.wait(15)
    desk.ask()
    with pytest.raises(TooManyAttempts):
        desk.tries(1, request_id=first.delivery.request_id)


def test_an_id_takes_the_code_of_its_own_message_only(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(250)
    second = desk.ask()
    first_code, second_code = code_of(first.challenge.id), code_of(second.challenge.id)
    assert not desk.answer(second_code, request_id=first.delivery.request_id).is_correct
    assert not desk.answer(first_code, request_id=second.delivery.request_id).is_correct
    assert desk.answer(second_code, request_id=second.delivery.request_id).is_correct


def test_answers_with_an_id_use_up_nobody_elses_tries(desk: Desk) -> None:
    asked = desk.ask(HOME)
    desk.tries(5, WORK, asked.delivery.request_id)
    desk.wait(15)
    desk.ask(HOME)
    assert desk.tries(5, HOME) == [4, 3, 2, 1, 0]


def test_a_code_is_good_until_five_minutes_have_passed(desk: Desk) -> None:
    asked = desk.ask()
    code, request_id = code_of(asked.challenge.id), asked.delivery.request_id
    assert desk.later(299.999).answer(code, request_id=request_id).is_correct
    assert not desk.later(300).answer(code, request_id=request_id).is_correct


def test_a_late_answer_counts_like_a_wrong_one(desk: Desk) -> None:
    asked = desk.ask()
    desk.wait(300)
    late = desk.answer(code_of(asked.challenge.id), request_id=asked.delivery.request_id)
    assert (late.is_correct, late.attempts_left) == (False, 4)


def test_a_second_answer_with_the_same_code_counts_like_a_wrong_one(desk: Desk) -> None:
    asked = desk.ask()
    code, request_id = code_of(asked.challenge.id), asked.delivery.request_id
    assert desk.answer(code, request_id=request_id).is_correct
    second = desk.answer(code, request_id=request_id)
    assert (second.is_correct, second.attempts_left) == (False, 4)


def test_an_unknown_id_never_takes_the_right_code(desk: Desk) -> None:
    asked = desk.ask()
    code = code_of(asked.challenge.id)
    assert not desk.answer(code, HOME, "unknown").is_correct
    assert not desk.answer(code, WORK, "unknown").is_correct


def test_an_unknown_id_draws_as_if_there_were_none(desk: Desk) -> None:
    desk.ask(HOME)
    assert desk.tries(2, HOME, "unknown") == [4, 3]
    assert desk.tries(3, HOME) == [2, 1, 0]
    with pytest.raises(TooManyAttempts):
        desk.tries(1, HOME, "another unknown")
