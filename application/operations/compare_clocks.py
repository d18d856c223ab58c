"""Compare the clock of this machine with that of the database."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from application.ports.errors import PortError
from application.ports.system import Clock

ReadTime: TypeAlias = Callable[[], Awaitable[datetime]]
"""Returns the time of the database, and raises a StorageError."""

MAX_DIFFERENCE: Final = timedelta(seconds=5)
"""Above it operators are warned."""
HARMFUL_DIFFERENCE: Final = timedelta(seconds=30)
"""Above it codes and tokens of this machine expire too early or too late for the others."""

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
