"""The background tasks: the scheduled cleanup, and the retry of refused deletions."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import structlog

from application.media.deletions import RetryDeletions
from application.operations.cleanup import ScheduledCleanup
from application.ports.errors import PortError

_FIRST_CHECK_SECONDS: Final = 5.0
_CHECKS_PER_INTERVAL: Final = 10
RETRY_INTERVAL: Final = timedelta(seconds=20)
"""With the time limits of store and database, a deletion is retried within a minute."""

_log = structlog.get_logger()


def run_cleanup_task(
    scheduled_cleanup: ScheduledCleanup, interval: timedelta
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
