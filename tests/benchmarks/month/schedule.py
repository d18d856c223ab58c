"""What happens when: actions in the order of their times."""

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count
from typing import Final

from tests.benchmarks.month.service import MonthService

Act = Callable[[], Awaitable[None]]


class Schedule:
    """Actions that are still to come. An action may add others."""

    def __init__(self, service: MonthService) -> None:
        self._service: Final = service
        self._numbers = count()
        self._actions: list[tuple[datetime, int, Act]] = []

    def add(self, time: datetime, act: Act) -> None:
        """Add an action."""
        heapq.heappush(self._actions, (time, next(self._numbers), act))

    async def run(self, until: datetime) -> None:
        """Do one action after the other, with the clock at its time."""
        while self._actions and self._actions[0][0] < until:
            time, _, act = heapq.heappop(self._actions)
            self._service.move_to(time)
            await act()
        self._service.move_to(until)
