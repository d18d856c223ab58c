"""The background tasks: cleanup, the retry of refused deletions, costs and statistics."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Final, TypeAlias

import structlog

from application.costs.write_costs import WriteCosts
from application.media.deletions import RetryDeletions
from application.operations.cleanup import CleanupReport
from application.ports.errors import PortError
from application.statistics.write_counts import WriteHourlyCounts

_FIRST_CHECK_SECONDS: Final = 5.0
_CHECKS_PER_INTERVAL: Final = 10
RETRY_INTERVAL: Final = timedelta(seconds=20)
"""With the time limits of store and database, a deletion is retried within a minute."""
LIMIT_WATCH_INTERVAL: Final = timedelta(minutes=1)
COSTS_INTERVAL: Final = timedelta(seconds=9)
"""With the time of a write, a kill loses at most ten seconds of the report."""
JOURNAL_INTERVAL: Final = timedelta(seconds=10)
STATISTICS_INTERVAL: Final = timedelta(seconds=55)
"""With the time of a write, a kill loses at most a minute of the statistics."""

RunCleanup: TypeAlias = Callable[[timedelta], Awaitable[CleanupReport | None]]
"""Runs the cleanup if it is due in this interval."""

_log = structlog.get_logger()


def run_cleanup_task(
    scheduled_cleanup: RunCleanup, interval: timedelta
) -> AbstractAsyncContextManager[None]:
    """Clean up in the background until the end of the block.

    Every worker of every instance checks several times in each interval whether a cleanup is due,
    and the lease lets one of them run it. So another one takes over when an instance stops.

    Args:
        scheduled_cleanup: the use case.
        interval: time between two cleanups.
    """

    async def clean_up() -> None:
        started = time.monotonic()
        report = await scheduled_cleanup(interval)
        if report is not None:
            duration_ms = round((time.monotonic() - started) * 1000, 1)
            _log.info("cleanup_completed", **report, duration_ms=duration_ms)

    pause = interval / _CHECKS_PER_INTERVAL
    first = min(timedelta(seconds=_FIRST_CHECK_SECONDS), pause)
    return _repeat(clean_up, "cleanup_failed", first=first, pause=pause, limit=interval)


def run_limit_watch(
    warn_of_high_use: Callable[[], Awaitable[None]],
) -> AbstractAsyncContextManager[None]:
    """Warn of limits that are nearly used up, in the background until the end of the block."""
    return _repeat(
        warn_of_high_use,
        "limits_not_measured",
        first=LIMIT_WATCH_INTERVAL,
        pause=LIMIT_WATCH_INTERVAL,
        limit=LIMIT_WATCH_INTERVAL,
    )


def run_retry_task(
    retry_deletions: RetryDeletions, interval: timedelta
) -> AbstractAsyncContextManager[None]:
    """Retry deletions that the store refused, in the background until the end of the block.

    Args:
        retry_deletions: the use case.
        interval: time between two retries.
    """
    failed = "file_deletion_retry_failed"
    return _repeat(retry_deletions, failed, first=interval, pause=interval, limit=interval)


def run_costs_task(
    write_costs: WriteCosts, interval: timedelta
) -> AbstractAsyncContextManager[None]:
    """Write the costs that were counted, in the background until the end of the block.

    Args:
        write_costs: the use case.
        interval: time between two writes.
    """
    return _repeat(write_costs, "costs_not_written", first=interval, pause=interval, limit=interval)


def run_statistics_task(
    write_counts: WriteHourlyCounts, interval: timedelta
) -> AbstractAsyncContextManager[None]:
    """Write the statistics that were counted, in the background until the end of the block.

    Args:
        write_counts: the use case.
        interval: time between two writes.
    """
    failed = "statistics_not_written"
    return _repeat(write_counts, failed, first=interval, pause=interval, limit=interval)


def run_journal_task(
    retry: Callable[[], Awaitable[None]], interval: timedelta
) -> AbstractAsyncContextManager[None]:
    """Write the lines of the journal that wait, in the background until the end of the block.

    Args:
        retry: the use case.
        interval: time between two attempts.
    """
    # There may be many lines, and what was written is not written again.
    limit = interval * 6
    return _repeat(retry, "journal_not_written", first=interval, pause=interval, limit=limit)


@asynccontextmanager
async def _repeat(
    work: Callable[[], Awaitable[object]],
    failed_event: str,
    *,
    first: timedelta,
    pause: timedelta,
    limit: timedelta,
) -> AsyncIterator[None]:
    """Do the work again and again in a task, which is cancelled at the end of the block."""

    async def run() -> None:
        await asyncio.sleep(first.total_seconds())
        while True:
            try:
                async with asyncio.timeout(limit.total_seconds()):
                    await work()
            except TimeoutError:
                _log.warning(failed_event, reason="it took longer than the interval")
            except PortError as error:
                _log.warning(failed_event, reason=str(error))
            except Exception as error:  # noqa: BLE001 - the next interval tries again
                _log.error(failed_event, exc_info=error)
            await asyncio.sleep(pause.total_seconds())

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
