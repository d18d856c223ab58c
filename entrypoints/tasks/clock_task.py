"""The background tasks that watch the clock of this machine, and compare it with the database's."""

import time
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.operations.compare_clocks import CompareClocks, WatchClock
from application.ports.system import Clock, MonotonicClock
from entrypoints.tasks.background_task import repeat

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics

_INTERVAL: Final = timedelta(minutes=1)
_CALL_TIMEOUT: Final = timedelta(seconds=5)
"""A difference that was measured by a slower answer would be too uncertain."""


def run_clock_task(
    compare_clocks: CompareClocks, metrics: "Metrics | None"
) -> AbstractAsyncContextManager[None]:
    """Compare the clocks now, and once a minute until the end of the block."""

    async def compare() -> None:
        ahead = await compare_clocks()
        if metrics is not None:
            metrics.clock_difference.set(abs(ahead).total_seconds())

    return repeat(
        "clock",
        compare,
        failed_event="clocks_not_compared",
        first=timedelta(),
        pause=_INTERVAL,
        limit=_CALL_TIMEOUT,
        metrics=metrics,
    )


def _read_elapsed() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def run_clock_watch(
    clock: Clock, metrics: "Metrics | None", elapsed: MonotonicClock = _read_elapsed
) -> AbstractAsyncContextManager[None]:
    """Look once a minute, until the end of the block, whether somebody has set the clock."""
    return repeat(
        "clock_watch",
        WatchClock(clock, elapsed),
        failed_event="clock_not_watched",
        pause=_INTERVAL,
        metrics=metrics,
    )
