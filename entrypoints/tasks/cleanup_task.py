"""The background tasks of the core: the cleanup, the warning of limits, and rejections."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from application.operations.cleanup import CleanupReport
from entrypoints.tasks.background_task import repeat

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics

_FIRST_CHECK_SECONDS: Final = 5.0
_CHECKS_PER_INTERVAL: Final = 10
LIMIT_WATCH_INTERVAL: Final = timedelta(minutes=1)
_REJECTIONS_INTERVAL: Final = timedelta(seconds=2)
"""An operator who talks to the user sees the rejection at once."""
_REJECTIONS_LIMIT: Final = timedelta(seconds=10)
"""How long a write may take, and the pause after one that failed."""

RunCleanup: TypeAlias = Callable[[timedelta], Awaitable[CleanupReport | None]]
"""Runs the cleanup if it is due in this interval."""

_log = structlog.get_logger()


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
            _log.info("cleanup_completed", **cleaned_up, duration_ms=duration_ms)

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
