"""An answer that names no message draws on its address's tries, and on others besides."""

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of

HOUR = 60 * 60


def test_the_right_code_signs_in_whoever_asked_for_it(desk: Desk) -> None:
    asked = desk.ask(HOME)
    assert desk.later(0).answer(code_of(asked.challenge.id), HOME).is_correct
    assert desk.later(0).answer(code_of(asked.challenge.id), WORK).is_correct


def test_each_live_code_signs_in(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(250)
    second = desk.ask()
    assert desk.answer(code_of(first.challenge.id)).is_correct
    assert desk.answer(code_of(second.challenge.id)).is_correct


def test_five_wrong_answers_are_told_how_many_are_left_down_to_none(desk: Desk) -> None:
    desk.ask()
    assert desk.tries(5) == [4, 3, 2, 1, 0]


def test_the_sixth_answer_is_refused_even_if_it_is_right(desk: Desk) -> None:
    asked = desk.ask()
    desk.tries(5)
    with pytest.raises(TooManyAttempts):
        desk.answer(code_of(asked.challenge.id))


def test_a_refused_answer_changes_nothing(desk: Desk) -> None:
    desk.ask()
    desk.tries(5)
    before = desk.record
    with pytest.raises(TooManyAttempts):
        desk.tries(1)
    assert desk.record is before


def test_a_resend_gives_an_address_no_tries_back(desk: Desk) -> None:
    desk.ask()
    desk.tries(5)
    desk.wait(60)
    desk.ask()
    with pytest.raises(TooManyAttempts):
        desk.tries(1)


def test_an_address_has_five_tries_in_any_hour(desk: Desk) -> None:
    desk.ask()
    desk.tries(3)
    desk.wait(HOUR / 2)
    desk.send()
    desk.tries(2)
    desk.wait(HOUR / 2 - 1)
    with pytest.raises(TooManyAttempts):
        desk.tries(1)
    desk.wait(1)
    desk.send()
    assert desk.tries(3) == [2, 1, 0]


def test_who_asked_draws_on_the_five_of_the_latest_message(desk: Desk) -> None:
    asked = desk.ask(HOME)
    desk.tries(2, HOME)
    assert desk.tries(1, HOME, asked.delivery.request_id) == [2]
    assert desk.tries(2, HOME) == [1, 0]
    with pytest.raises(TooManyAttempts):
        desk.tries(1, HOME)


def test_who_asked_does_not_draw_on_the_pool(desk: Desk) -> None:
    desk.ask(HOME)
    desk.tries(5, HOME)
    assert desk.record.unbound_attempts.shared == ()


def test_who_did_not_ask_does_not_use_up_the_tries_of_who_did(desk: Desk) -> None:
    asked = desk.ask(HOME)
    desk.tries(5, WORK)
    assert desk.tries(4, HOME) == [4, 3, 2, 1]
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct


def test_a_phone_that_never_asked_gives_the_same_counts() -> None:
    asked, never_asked = Desk(), Desk()
    asked.ask(HOME)
    assert never_asked.tries(5, WORK) == asked.tries(5, WORK)
    refusals = []
    for desk in (asked, never_asked):
        with pytest.raises(TooManyAttempts) as refusal:
            desk.tries(1, WORK)
        refusals.append(refusal.value.retry_after)
    assert refusals == [HOUR, HOUR]


def test_a_phone_that_never_asked_gives_the_same_counts_for_unknown_ids() -> None:
    asked, never_asked = Desk(), Desk()
    asked.ask(HOME)
    assert never_asked.tries(5, WORK, "unknown") == asked.tries(5, WORK, "unknown")
