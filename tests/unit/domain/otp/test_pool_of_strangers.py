"""Who neither names a message nor asked for one shares fifteen tries an hour, thirty a day."""

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.desk import HOME, WORK, WRONG, Desk, code_of, stranger

HOUR = 60 * 60


def guesses(desk: Desk, first: int, count: int = 100) -> int:
    """How many of so many addresses that nobody knows may guess once each."""
    counted = 0
    for number in range(first, first + count):
        try:
            desk.answer(WRONG, stranger(number))
        except TooManyAttempts:
            continue
        counted += 1
    return counted


def empty(desk: Desk) -> None:
    """Use up what strangers have in an hour."""
    assert guesses(desk, first=1000) == 15


def test_strangers_have_fifteen_tries_an_hour_together(desk: Desk) -> None:
    assert guesses(desk, first=0) == 15
    desk.wait(HOUR - 1)
    assert guesses(desk, first=100) == 0
    desk.wait(1)
    assert guesses(desk, first=200) == 15


def test_strangers_have_thirty_tries_a_day_together(desk: Desk) -> None:
    assert guesses(desk, first=0) == 15
    desk.wait(HOUR)
    assert guesses(desk, first=100) == 15
    desk.wait(HOUR)
    assert guesses(desk, first=200) == 0
    desk.wait(22 * HOUR - 1)
    assert guesses(desk, first=300) == 0
    desk.wait(1)
    assert guesses(desk, first=400) == 15


def test_a_stranger_is_told_what_is_left_of_the_pool_when_that_is_less(desk: Desk) -> None:
    guesses(desk, first=0, count=12)
    assert desk.tries(3, WORK) == [2, 1, 0]
    with pytest.raises(TooManyAttempts):
        desk.tries(1, WORK)


def test_a_spent_pool_refuses_a_stranger_even_with_the_right_code(desk: Desk) -> None:
    asked = desk.ask(HOME)
    empty(desk)
    with pytest.raises(TooManyAttempts):
        desk.answer(code_of(asked.challenge.id), WORK)


def test_a_spent_pool_refuses_nobody_who_names_the_message(desk: Desk) -> None:
    asked = desk.ask(HOME)
    empty(desk)
    code = code_of(asked.challenge.id)
    assert desk.answer(code, WORK, asked.delivery.request_id).is_correct


def test_a_spent_pool_does_not_refuse_who_asked_last(desk: Desk) -> None:
    asked = desk.ask(HOME)
    empty(desk)
    assert desk.tries(4, HOME) == [4, 3, 2, 1]
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct


def test_a_spent_pool_refuses_no_ask(desk: Desk) -> None:
    empty(desk)
    assert desk.ask(HOME).is_new
    desk.wait(15)
    assert desk.ask(WORK).is_new


def test_a_right_answer_gives_the_pool_nothing_back(desk: Desk) -> None:
    asked = desk.ask(HOME)
    guesses(desk, first=0, count=14)
    assert desk.answer(code_of(asked.challenge.id), WORK).is_correct
    assert guesses(desk, first=100) == 0


def test_a_right_answer_of_who_asked_takes_nothing_from_the_pool(desk: Desk) -> None:
    asked = desk.ask(HOME)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct
    assert guesses(desk, first=0) == 15


def test_a_spent_pool_stays_spent_when_another_code_is_sent(desk: Desk) -> None:
    empty(desk)
    desk.send(HOME)
    assert guesses(desk, first=100) == 0


def test_a_refused_stranger_changes_nothing(desk: Desk) -> None:
    empty(desk)
    before = desk.record
    assert guesses(desk, first=100) == 0
    assert desk.record is before
