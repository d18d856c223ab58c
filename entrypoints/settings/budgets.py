"""Budgets, as they are written in settings: 5/15m,10/1d."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from domain.errors import InvalidValue
from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings.amounts import count_between, duration_between
from entrypoints.settings.variable import listed

_DAY: Final = timedelta(days=1)
_SHORTEST: Final = "1m"
_LONGEST: Final = "1d"
_duration = duration_between(_SHORTEST, _LONGEST)


def window_up_to(most: int) -> Callable[[str], SlidingWindow]:
    """Make a reader of `count/duration`: at most so many in any stretch of that length."""
    count = count_between(1, most)

    def read(text: str) -> SlidingWindow:
        number, slash, length = (part.strip() for part in text.partition("/"))
        if not slash:
            raise InvalidValue("Takes a count, a slash and a duration.")
        return SlidingWindow(count(number), _duration(length))

    return read


def windows_up_to(most_a_day: int) -> Callable[[str], tuple[SlidingWindow, ...]]:
    """Make a reader of one or more of them that together allow at most so many in a day."""
    read_all = listed(window_up_to(most_a_day))

    def read(text: str) -> tuple[SlidingWindow, ...]:
        windows = read_all(text)
        if min(_in_a_day(window) for window in windows) > most_a_day:
            raise InvalidValue(
                f"Takes counts that allow at most {most_a_day} a day together, or a code could be "
                "guessed too often."
            )
        return windows

    return read


def _in_a_day(window: SlidingWindow) -> int:
    return window.limit * -(-_DAY // window.period)
