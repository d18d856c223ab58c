"""Jobs go on after an election, a restart or a lost connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from application.ports.errors import StorageOverloaded, StorageTimeout, StorageUnavailable

T = TypeVar("T")

MAX_OUTAGE: Final = 600.0
"""Seconds for which a job waits for the database."""
FIRST_PAUSE: Final = 0.5
_MAX_PAUSE: Final = 10.0

_log = logging.getLogger(__name__)


class OutageRetries:
    """Repeats calls of a job while the database does not answer, for up to ten minutes.

    A call may be done twice, because a timeout does not tell whether it was done. So a write may
    return False although it was done: its caller loads the record again, and finds its own change.
    """

    def __init__(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        self._began_at: float | None = None
        self._should_stop = should_stop

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            try:
                result = await call()
            except (StorageUnavailable, StorageTimeout, StorageOverloaded) as error:
                if self._began_at is None:
                    self._began_at = loop.time()
                    line = {"event": "job_waits_for_database", "reason": str(error)}
                    _log.warning({**line, "max_seconds": MAX_OUTAGE})
                elif loop.time() - self._began_at > MAX_OUTAGE or self._should_stop():
                    raise
            else:
                if self._began_at is not None:
                    seconds = round(loop.time() - self._began_at, 1)
                    self._began_at = None
                    _log.warning({"event": "job_continues", "seconds": seconds})
                return result
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE)
