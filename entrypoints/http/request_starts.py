"""Which requests start when thousands arrive in the same moment."""

import asyncio
import sys
import time
from collections import deque
from typing import Final

MAX_SECONDS: Final = 0.02
"""How long the event loop may start requests before it does something else."""
_MIN_RESUMED: Final = 8
_SHORT_SWITCH_INTERVAL: Final = 0.001
"""Seconds. The server's thread needs the interpreter's lock for each request that arrives."""


class RequestStarts:
    """Limits how long the event loop starts requests in one of its iterations.

    When thousands arrive in the same moment, everything else would wait until all of them have
    started. So some of them wait. In each iteration as many of these start as did in the time
    before, three of the oldest for each of the newest: a request that arrives now is among the
    next, and none waits long.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        """Let requests start for so many seconds."""
        self._max_seconds = max_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_counting = False
        self._began_at = 0.0
        self._started = 0
        self._max_resumed = _MIN_RESUMED
        self._switch_interval = sys.getswitchinterval()

    def find_turn(self) -> asyncio.Future[None] | None:
        """Return what a request waits for before it starts; None unless too many have arrived."""
        # At most one iteration in 20 ms is watched: with a callback in each, the event loop would
        # ask the kernel for events twice for each request.
        if time.perf_counter() - self._began_at <= self._max_seconds:
            self._started += 1
            return None
        if not self._is_counting:
            self._begin_iteration()
            return None
        if not self._waiting:
            self._max_resumed = max(_MIN_RESUMED, self._started)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        sys.setswitchinterval(_SHORT_SWITCH_INTERVAL)
        return turn

    def _begin_iteration(self) -> None:
        self._is_counting = True
        self._began_at = time.perf_counter()
        self._started = 0
        asyncio.get_running_loop().call_soon(self._end_iteration)

    def _end_iteration(self) -> None:
        self._is_counting = False
        if not self._waiting:
            return
        for number in range(min(self._max_resumed, len(self._waiting))):
            is_newest = number % 4 == 0
            turn = self._waiting.pop() if is_newest else self._waiting.popleft()
            if not turn.done():  # it is cancelled when the server stops
                turn.set_result(None)
        if not self._waiting:
            sys.setswitchinterval(self._switch_interval)
        self._begin_iteration()
