"""At most so many events in any stretch of so long."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

MINUTE = timedelta(minutes=1)


def at(*seconds: int) -> list[datetime]:
    return [NOW + timedelta(seconds=one) for one in seconds]


def test_there_is_room_for_as_many_as_the_limit() -> None:
    window = SlidingWindow(3, MINUTE)
    assert [window.remaining(at(*range(count)), NOW + MINUTE / 2) for count in range(5)] == [
        3,
        2,
        1,
        0,
        0,
    ]


def test_an_event_counts_until_its_length_has_passed() -> None:
    window = SlidingWindow(1, MINUTE)
    assert window.remaining(at(0), *at(59)) == 0
    assert window.remaining(at(0), *at(60)) == 1


def test_while_there_is_room_it_is_free_now() -> None:
    assert SlidingWindow(2, MINUTE).next_available(at(0), *at(5)) == at(5)[0]


def test_when_it_is_full_it_is_free_as_soon_as_enough_events_have_passed() -> None:
    assert SlidingWindow(2, MINUTE).next_available(at(0, 10), *at(20)) == at(60)[0]


def test_more_events_than_the_limit_make_it_wait_for_the_later_ones() -> None:
    assert SlidingWindow(2, MINUTE).next_available(at(0, 10, 15), *at(20)) == at(70)[0]


def test_the_order_in_which_events_are_named_does_not_matter() -> None:
    assert SlidingWindow(2, MINUTE).next_available(at(15, 0, 10), *at(20)) == at(70)[0]


@given(
    st.integers(1, 6),
    st.integers(1, 100),
    st.lists(st.integers(0, 200), max_size=12),
    st.integers(0, 250),
)
def test_it_is_free_exactly_from_the_moment_that_it_names(
    limit: int, length: int, events: list[int], now: int
) -> None:
    window = SlidingWindow(limit, timedelta(seconds=length))
    times = at(*(one for one in events if one <= now))
    free = window.next_available(times, *at(now))
    assert window.remaining(times, free) > 0
    if free > at(now)[0]:
        assert window.remaining(times, free - timedelta(milliseconds=1)) == 0
