"""Compare the clock of this machine with that of the database, and notice when it is set."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from application.ports.errors import PortError
from application.ports.system import Clock, MonotonicClock

ReadTime: TypeAlias = Callable[[], Awaitable[datetime]]
"""Returns the time of the database, and raises a StorageError."""

MAX_DIFFERENCE: Final = timedelta(seconds=5)
"""Above it operators are warned."""
HARMFUL_DIFFERENCE: Final = timedelta(seconds=30)
"""Above it codes and tokens of this machine expire too early or too late for the others."""
MAX_JUMP: Final = timedelta(minutes=1)
"""Daemons that keep a clock right move it by far less at once."""

_log = logging.getLogger(__name__)


class CompareClocks:
    """Compare the clocks, and tell operators if they differ.

    The instances have the database in common. One whose clock is minutes off makes codes that are
    expired for the others, and takes theirs for codes of the future: half of all sign-ins fail.
    """

    def __init__(self, read_time: ReadTime, clock: Clock) -> None:
        self._read_time = read_time
        self._clock = clock
        self._ahead = timedelta()

    async def __call__(self) -> timedelta:
        """Return how far this clock is ahead of the database; behind is negative."""
        ahead = self._ahead = await measure_ahead(self._read_time, self._clock)
        if problem := describe_difference(ahead):
            write = _log.error if abs(ahead) > HARMFUL_DIFFERENCE else _log.warning
            write({"event": "clock_differs", "reason": problem})
        return ahead

    async def check(self) -> None:
        """Check what the latest comparison found.

        Raises:
            PortError
        """
        if problem := describe_difference(self._ahead):
            raise PortError(problem)


class WatchClock:
    """Tell operators that the clock of this machine was set by more than `MAX_JUMP`.

    Codes, sessions and limits of before expire too early or too late then. `elapsed` runs on while
    the machine sleeps, which is no jump.
    """

    def __init__(self, clock: Clock, elapsed: MonotonicClock) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._started_at = self._find_start()

    async def __call__(self) -> None:
        """Compare the time with that of the last call."""
        before, self._started_at = self._started_at, self._find_start()
        if abs(jump := self._started_at - before) > MAX_JUMP:
            seconds = round(jump.total_seconds())
            _log.warning({"event": "clock_jumped", "seconds": seconds})

    def _find_start(self) -> datetime:
        """Return when `elapsed` was zero, by the clock."""
        return self._clock.now() - timedelta(seconds=self._elapsed())


async def measure_ahead(read_time: ReadTime, clock: Clock) -> timedelta:
    """Return how far a clock is ahead of the database, which answers halfway."""
    asked_at = clock.now()
    database_time = await read_time()
    return asked_at + (clock.now() - asked_at) / 2 - database_time


def describe_difference(ahead: timedelta) -> str:
    """Return a difference that operators should see, in words; empty for a smaller one."""
    if abs(ahead) <= MAX_DIFFERENCE:
        return ""
    side = "ahead of" if ahead > timedelta() else "behind"
    return f"{abs(ahead).total_seconds():.0f} s {side} the database"
