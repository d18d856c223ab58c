"""What a refused answer is told is true: then one counts, and a second before none does."""

from collections.abc import Callable

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.desk import HOME, WORK, WRONG, Desk, code_of, stranger

HOUR = 60 * 60


def counts(desk: Desk, address: str, seconds: float) -> bool:
    """Whether an answer from here, so many seconds from now, is answered."""
    return _is_answered(desk.later(seconds), address)


def _is_answered(desk: Desk, address: str) -> bool:
    try:
        desk.later(0).answer(WRONG, address)
    except TooManyAttempts:
        return False
    return True


def told(desk: Desk, address: str) -> int:
    """How long an answer is told to wait."""
    with pytest.raises(TooManyAttempts) as refusal:
        desk.later(0).answer(WRONG, address)
    return refusal.value.retry_after


def spend_pool(desk: Desk, first: int) -> None:
    """Let strangers use up what they have in an hour."""
    for number in range(first, first + 15):
        desk.answer(WRONG, stranger(number))


def after_five_tries(desk: Desk) -> str:
    desk.tries(2, WORK)
    desk.wait(600)
    desk.tries(3, WORK)
    return WORK


def after_five_tries_at_ones_own_code(desk: Desk) -> str:
    desk.send(HOME)
    desk.tries(5, HOME)
    desk.wait(20)
    return HOME


def after_five_tries_with_the_messages_spent_as_well(desk: Desk) -> str:
    for _ in range(5):
        desk.send(HOME)
    desk.tries(5, HOME)
    desk.wait(20)
    return HOME


def after_strangers_spent_the_hour(desk: Desk) -> str:
    spend_pool(desk, 0)
    desk.wait(600)
    return WORK


def after_strangers_spent_the_day(desk: Desk) -> str:
    spend_pool(desk, 0)
    desk.wait(2 * HOUR)
    spend_pool(desk, 100)
    return WORK


def after_five_tries_that_were_the_last_of_the_day(desk: Desk) -> str:
    spend_pool(desk, 0)
    desk.wait(2 * HOUR)
    for number in range(10):
        desk.answer(WRONG, stranger(100 + number))
    desk.tries(5, WORK)
    return WORK


def after_the_tries_of_ones_own_message(desk: Desk) -> str:
    asked = desk.send(HOME)
    desk.tries(5, WORK, asked.delivery.request_id)
    desk.wait(3)
    return HOME


def after_the_tries_of_ones_last_message(desk: Desk) -> str:
    desk.send(HOME)
    desk.send(HOME)
    asked = desk.send(HOME)
    desk.tries(5, WORK, asked.delivery.request_id)
    desk.wait(30)
    return HOME


SITUATIONS = [
    after_five_tries,
    after_five_tries_at_ones_own_code,
    after_five_tries_with_the_messages_spent_as_well,
    after_strangers_spent_the_hour,
    after_strangers_spent_the_day,
    after_five_tries_that_were_the_last_of_the_day,
    after_the_tries_of_ones_own_message,
    after_the_tries_of_ones_last_message,
]


@pytest.fixture(params=SITUATIONS, ids=lambda situation: situation.__name__)
def refused(request: pytest.FixtureRequest) -> tuple[Desk, str]:
    """A desk, and an address whose answers are refused now."""
    situation: Callable[[Desk], str] = request.param
    desk = Desk()
    return desk, situation(desk)


def test_an_answer_counts_when_the_wait_is_over(refused: tuple[Desk, str]) -> None:
    desk, address = refused
    assert counts(desk, address, told(desk, address))


def test_no_answer_counts_a_second_earlier(refused: tuple[Desk, str]) -> None:
    desk, address = refused
    assert not counts(desk, address, told(desk, address) - 1)


def test_with_an_id_whose_tries_are_used_up_the_wait_is_for_its_code_to_end() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    desk.tries(5, HOME, asked.delivery.request_id)
    desk.wait(4)
    with pytest.raises(TooManyAttempts) as refusal:
        desk.answer(code_of(asked.challenge.id), HOME, asked.delivery.request_id)
    assert refusal.value.retry_after == 300 - 4
    ended = desk.later(300 - 4)
    judged = ended.answer(code_of(asked.challenge.id), HOME, asked.delivery.request_id)
    assert not judged.is_correct


@pytest.mark.parametrize("minutes", [55, 58])
def test_what_is_drawn_on_without_an_id_may_be_over_when_the_wait_is(minutes: int) -> None:
    desk = Desk()
    desk.send(WORK)
    desk.wait(hours=23, minutes=minutes)
    asked = desk.send(HOME)
    desk.tries(5, HOME, asked.delivery.request_id)
    spend_pool(desk, 0)

    def counts_with_the_id(seconds: float) -> bool:
        try:
            desk.later(seconds).answer(WRONG, WORK, asked.delivery.request_id)
        except TooManyAttempts:
            return False
        return True

    with pytest.raises(TooManyAttempts) as refusal:
        desk.answer(WRONG, WORK, asked.delivery.request_id)
    assert refusal.value.retry_after == HOUR
    assert counts_with_the_id(HOUR)
    assert not counts_with_the_id(HOUR - 1)


def test_a_code_whose_tries_are_used_up_is_waited_for_though_strangers_may_try_sooner() -> None:
    desk = Desk()
    spend_pool(desk, 0)
    desk.wait(minutes=57)
    asked = desk.send(HOME)
    desk.tries(5, HOME, asked.delivery.request_id)
    assert told(desk, HOME) == 300
    assert not counts(desk, HOME, 299)
    assert counts(desk, HOME, 300)


def test_when_a_code_whose_tries_are_used_up_is_over_strangers_tries_are_waited_for() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    desk.tries(5, HOME, asked.delivery.request_id)
    spend_pool(desk, 0)
    assert told(desk, HOME) == HOUR
    assert not counts(desk, HOME, HOUR - 1)
    assert counts(desk, HOME, HOUR)


def test_with_an_id_whose_tries_are_used_up_an_address_waits_for_its_own_too() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    desk.tries(5, HOME, asked.delivery.request_id)
    desk.tries(5, WORK)
    with pytest.raises(TooManyAttempts) as refusal:
        desk.answer(WRONG, WORK, asked.delivery.request_id)
    assert refusal.value.retry_after == HOUR
    assert not desk.later(HOUR).answer(WRONG, WORK, asked.delivery.request_id).is_correct


def test_another_message_brings_tries_at_once() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    desk.tries(5, HOME, asked.delivery.request_id)
    desk.wait(15)
    again = desk.ask(HOME)
    assert again.is_new
    assert desk.answer(code_of(again.challenge.id), HOME, again.delivery.request_id).is_correct
