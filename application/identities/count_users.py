"""How many users there are."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.ports.identities import Identities
from application.ports.system import Clock
from application.tasks import start_task

MAX_COUNTED: Final = 10_000_000
"""Counting more takes more than two seconds in MongoDB, and hours of its processor in a day."""
MAX_AGE: Final = timedelta(minutes=5)
"""How long a count is held."""


@dataclass(frozen=True, slots=True)
class UserCount:
    """How many users there are.

    Attributes:
        number: Identities with a username that are not deleted; also blocked ones.
        is_estimate: Whether it is the database's estimate of all identities instead, because there
            are more users than are counted.
    """

    number: int
    is_estimate: bool = False


class CountUsers:
    """Count the users.

    - The index of usernames is read. No counter is kept that each change of a user would touch.
    - `recent` holds a count for five minutes, however many callers there are. A count that takes
      longer than its caller waits goes on, and is there for the next one.
    """

    def __init__(self, identities: Identities, clock: Clock) -> None:
        self._identities = identities
        self._clock = clock
        self._counting: asyncio.Task[UserCount] | None = None
        self._began_at = clock.now()

    async def __call__(self) -> UserCount:
        counted = await self._identities.count_users(MAX_COUNTED)
        if counted is not None:
            return UserCount(counted)
        estimated = await self._identities.estimate_number()
        return UserCount(max(MAX_COUNTED, estimated), is_estimate=True)

    async def recent(self) -> UserCount:
        """Return a count of the last five minutes."""
        now, counting = self._clock.now(), self._counting
        # After the clock was set back, a count lies in the future.
        is_recent = timedelta(0) <= now - self._began_at < MAX_AGE
        if counting is None or (counting.done() and not (is_recent and _has_result(counting))):
            self._began_at = now
            counting = self._counting = start_task("count_users", self())
            # Where no caller waits any longer, asyncio would report the exception.
            counting.add_done_callback(_has_result)
        return await asyncio.shield(counting)


def _has_result(task: "asyncio.Task[UserCount]") -> bool:
    return not task.cancelled() and task.exception() is None
