"""The background tasks of the core: cleanup, warnings, clock, and the record of the process."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from application.operations.cleanup import CleanupReport
from application.operations.compare_clocks import CompareClocks, WatchClock
from application.operations.instances import KeepInstance
from application.ports.errors import PortError
from application.ports.system import Clock, MonotonicClock
from domain.instance import RENEWAL_INTERVAL
from entrypoints.tasks.background_task import log_task_failure, repeat

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics


_FIRST_CHECK_SECONDS: Final = 5.0
_CHECKS_PER_INTERVAL: Final = 10
LIMIT_WATCH_INTERVAL: Final = timedelta(minutes=1)
_REJECTIONS_INTERVAL: Final = timedelta(seconds=2)
"""An operator who talks to the user sees the rejection at once."""
_REJECTIONS_LIMIT: Final = timedelta(seconds=10)
"""Maximum time of a write, and the pause after one that failed."""

RunCleanup: TypeAlias = Callable[[timedelta], Awaitable[CleanupReport | None]]
"""Runs the cleanup if it is due in this interval."""

_log = logging.getLogger(__name__)


def run_cleanup_task(
    scheduled_cleanup: RunCleanup, interval: timedelta, metrics: "Metrics | None" = None
) -> AbstractAsyncContextManager[None]:
    """Clean up in the background, in one of all workers, until the end of the block."""

    async def clean_up() -> None:
        started = time.monotonic()
        report = await scheduled_cleanup(interval)
        if report is not None:
            duration_ms = round((time.monotonic() - started) * 1000, 1)
            cleaned_up = {kind: number for kind, number in report.items() if number}
            _log.info({"event": "cleanup_completed", **cleaned_up, "duration_ms": duration_ms})

    pause = interval / _CHECKS_PER_INTERVAL
    first = min(timedelta(seconds=_FIRST_CHECK_SECONDS), pause)
    return repeat(
        "cleanup",
        clean_up,
        failed_event="cleanup_failed",
        pause=pause,
        first=first,
        limit=interval,
        metrics=metrics,
    )


def run_limit_watch(
    warn_of_high_use: Callable[[], Awaitable[None]], metrics: "Metrics | None" = None
) -> AbstractAsyncContextManager[None]:
    """Warn of limits that are nearly used up, in the background until the end of the block."""
    return repeat(
        "limit_watch",
        warn_of_high_use,
        failed_event="limits_not_measured",
        pause=LIMIT_WATCH_INTERVAL,
        metrics=metrics,
    )


def run_rejection_writes(
    write: Callable[[], Awaitable[None]], metrics: "Metrics | None" = None
) -> AbstractAsyncContextManager[None]:
    """Write rejected requests with their phones, in the background until the end of the block."""
    return repeat(
        "rejections",
        write,
        failed_event="rejections_not_written",
        pause=_REJECTIONS_INTERVAL,
        metrics=metrics,
        limit=_REJECTIONS_LIMIT,
        pause_after_failure=_REJECTIONS_LIMIT,
    )


_INTERVAL: Final = timedelta(minutes=1)
_CALL_TIMEOUT: Final = timedelta(seconds=5)
"""A difference that was measured by a slower answer would be too uncertain. The next renewal of a
record tries again, and a stop does not wait long for a database."""


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


@asynccontextmanager
async def keep_instance(
    instance: KeepInstance, metrics: "Metrics | None" = None
) -> AsyncIterator[None]:
    """Write the record, renew it in a task, and delete it at the end of the block.

    While the database is away the task goes on trying without a word: readiness and the log have
    the reason already.
    """
    await _try(instance.renew())
    renewing = repeat(
        "instance",
        instance.renew,
        failed_event="instance_not_renewed",
        pause=RENEWAL_INTERVAL,
        limit=_CALL_TIMEOUT,
        metrics=metrics,
        log_failure=_log_bug,
    )
    try:
        async with renewing:
            yield
    finally:
        await _try(instance.delete())


def _log_bug(event: str, error: Exception) -> None:
    if not isinstance(error, PortError | TimeoutError):
        log_task_failure(event, error)


async def _try(call: Awaitable[None]) -> None:
    with suppress(PortError, TimeoutError):
        async with asyncio.timeout(_CALL_TIMEOUT.total_seconds()):
            await call
