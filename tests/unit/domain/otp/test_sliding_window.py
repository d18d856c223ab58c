from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.otp.sliding_window import SlidingWindow, whole_seconds
from tests.support.builders import NOW


def at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


def times(*seconds: int) -> list[datetime]:
    return [at(second) for second in seconds]


@given(
    st.integers(1, 6),
    st.integers(1, 100),
    st.lists(st.integers(0, 200), max_size=12),
    st.integers(0, 250),
)
def test_the_next_event_is_allowed_exactly_at_the_returned_time(
    limit: int, period: int, events: list[int], now: int
) -> None:
    window = SlidingWindow(limit, timedelta(seconds=period))
    past = times(*(event for event in events if event <= now))
    available_at = window.next_available(past, at(now))
    assert window.remaining(past, available_at) > 0
    if available_at > at(now):
        assert window.remaining(past, available_at - timedelta(milliseconds=1)) == 0


def test_waits_are_rounded_up_to_whole_seconds() -> None:
    for seconds, wait in ((0.001, 1), (0.999, 1), (1.001, 2)):
        assert whole_seconds(NOW, NOW + timedelta(seconds=seconds)) == wait
