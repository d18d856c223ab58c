"""A clock that steps back makes no code live longer and nobody wait longer."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.challenge import OTP_TTL
from domain.otp.sliding_window import CLOCK_SKEW
from tests.unit.domain.otp.desk import HOME, WORK, WRONG, Desk, code_of, stranger

STEPS = [timedelta(seconds=1), timedelta(hours=1), timedelta(days=400)]


@pytest.fixture(params=STEPS, ids=str)
def step(request: pytest.FixtureRequest) -> timedelta:
    back: timedelta = request.param
    return back


def test_a_code_lives_no_longer_than_the_skew_allows(desk: Desk, step: timedelta) -> None:
    asked = desk.ask(HOME)
    desk.now += min(OTP_TTL, 2 * CLOCK_SKEW) - step
    is_taken = desk.answer(code_of(asked.challenge.id), HOME).is_correct
    assert is_taken == (step < CLOCK_SKEW)


def test_nobody_waits_longer_for_another_message(desk: Desk, step: timedelta) -> None:
    desk.ask(HOME)
    desk.now -= step
    desk.now += timedelta(seconds=15) + min(step, CLOCK_SKEW)
    assert desk.ask(HOME).is_new


def test_nobody_waits_longer_to_try_again(desk: Desk, step: timedelta) -> None:
    desk.tries(5, WORK)
    desk.now -= step
    if step < CLOCK_SKEW:
        desk.now += timedelta(hours=1) + step
    assert not desk.answer(WRONG, WORK).is_correct


def test_a_code_from_a_minute_ahead_works_and_from_later_does_not(desk: Desk) -> None:
    asked = desk.ask(HOME)
    sooner, later = desk.later(-60), desk.later(-61)
    assert sooner.answer(code_of(asked.challenge.id), HOME).is_correct
    assert not later.answer(code_of(asked.challenge.id), HOME).is_correct


def test_a_message_from_a_minute_ahead_counts_and_from_later_does_not(desk: Desk) -> None:
    desk.ask(HOME)
    sooner, later = desk.later(-60), desk.later(-61)
    with pytest.raises(TooManyOtpRequests):
        sooner.ask(WORK)
    assert later.ask(WORK).is_new


def spend_own(desk: Desk) -> str:
    desk.tries(5, WORK)
    return WORK


def spend_pool(desk: Desk) -> str:
    for number in range(15):
        desk.tries(1, stranger(number))
    return stranger(99)


@pytest.mark.parametrize("spend", [spend_own, spend_pool])
def test_tries_from_a_minute_ahead_count_and_from_later_do_not(
    desk: Desk, spend: Callable[[Desk], str]
) -> None:
    address = spend(desk)
    sooner, later = desk.later(-60), desk.later(-61)
    with pytest.raises(TooManyAttempts):
        sooner.answer(WRONG, address)
    assert not later.answer(WRONG, address).is_correct
