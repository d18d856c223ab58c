"""Approximate limits of requests in one process."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.limits.request_limits import MAX_SUBJECTS, RequestLimit
from domain.errors import TooManyRequests
from domain.otp.sliding_window import SlidingWindow
from tests.support.fakes.clock import SecondsClock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


def a_limit(clock: SecondsClock, count: int = 3, workers: int = 1) -> RequestLimit:
    return RequestLimit(SlidingWindow(count, MINUTE), workers, clock)


def acquire_at_once(limit: RequestLimit, subject: str = "a") -> int:
    """Return how many requests are allowed at once."""
    for count in range(10**6):
        try:
            limit.acquire(subject)
        except TooManyRequests:
            return count
    raise AssertionError


def test_the_next_request_is_allowed_after_retry_after(clock: SecondsClock) -> None:
    limit = a_limit(clock)
    assert [acquire_at_once(limit, subject) for subject in "abc"] == [3, 3, 3]
    for pause, seconds in ((0, 20), (0, 20), (19.9, 1)):
        clock.seconds += pause
        with pytest.raises(TooManyRequests) as error:
            limit.acquire("a")
        assert error.value.retry_after == seconds
    clock.seconds += 0.1
    assert acquire_at_once(limit) == 1
    clock.seconds += 60
    assert acquire_at_once(limit) == 3


@given(st.integers(1, 20), st.lists(st.floats(0, 60), max_size=30))
def test_at_most_twice_the_limit_comes_in_a_period(count: int, pauses: list[float]) -> None:
    clock = SecondsClock()
    limit = a_limit(clock, count)
    allowed: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        allowed += [clock.seconds] * acquire_at_once(limit)
    for began_at in allowed:
        assert sum(began_at <= time < began_at + 60 for time in allowed) <= 2 * count


@pytest.mark.parametrize(("workers", "share"), [(1, 6), (4, 2), (100, 1)])
def test_each_worker_has_a_share_of_at_least_one(
    clock: SecondsClock, workers: int, share: int
) -> None:
    assert acquire_at_once(a_limit(clock, 6, workers)) == share
    unlimited = RequestLimit(None, workers, clock)
    for _ in range(1000):
        unlimited.acquire("a")


def test_memory_is_bounded_and_a_subject_that_sends_too_much_is_not_forgotten(
    clock: SecondsClock,
) -> None:
    limit = a_limit(clock)
    assert acquire_at_once(limit, "quiet") == 3
    assert acquire_at_once(limit, "loud") == 3
    for number in range(MAX_SUBJECTS):
        limit.acquire(str(number))
        if number % 1000 == 0:
            assert acquire_at_once(limit, "loud") == 0
    assert acquire_at_once(limit, "loud") == 0
    assert acquire_at_once(limit, "quiet") == 3
