"""The background tasks: the scheduled cleanup, and the retry of refused deletions."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import structlog

from application.media.retry_deletions import ScheduledRetryDeletions
from application.operations.cleanup import ScheduledCleanup
from application.ports.errors import PortError
from entrypoints.server.background_task import run_in_background

_FIRST_CHECK_SECONDS: Final = 5.0
_CHECKS_PER_INTERVAL: Final = 10
RETRY_INTERVAL: Final = timedelta(seconds=20)
"""With the time limits of store and database, a deletion is retried within a minute."""

_log = structlog.get_logger()


def run_cleanup_task(
    scheduled_cleanup: ScheduledCleanup, interval: timedelta | None
) -> AbstractAsyncContextManager[None]:
    """Clean up in the background until the end of the block.

    Every worker of every instance checks several times in each interval whether a cleanup is due,
    and the lease lets one of them run it. So another one takes over when an instance stops.

    Args:
        scheduled_cleanup: the use case.
        interval: time between two cleanups; None for none at all.
    """
    if interval is None:
        return nullcontext()
    return run_in_background(_run(scheduled_cleanup, interval))


async def _run(scheduled_cleanup: ScheduledCleanup, interval: timedelta) -> None:
    seconds = interval.total_seconds()
    await asyncio.sleep(min(_FIRST_CHECK_SECONDS, seconds / _CHECKS_PER_INTERVAL))
    while True:
        await _run_once(scheduled_cleanup, interval)
        await asyncio.sleep(seconds / _CHECKS_PER_INTERVAL)


async def _run_once(scheduled_cleanup: ScheduledCleanup, interval: timedelta) -> None:
    started = time.monotonic()
    try:
        async with asyncio.timeout(interval.total_seconds()):
            report = await scheduled_cleanup(interval)
    except TimeoutError:
        _log.warning("cleanup_failed", reason="it took longer than the interval")
    except PortError as error:
        _log.warning("cleanup_failed", reason=str(error))
    except Exception as error:  # noqa: BLE001 - the next interval tries again
        _log.error("cleanup_failed", exc_info=error)
    else:
        if report is not None:
            duration_ms = round((time.monotonic() - started) * 1000, 1)
            _log.info("cleanup_completed", **asdict(report), duration_ms=duration_ms)


def run_retry_task(
    retry_deletions: ScheduledRetryDeletions, interval: timedelta | None
) -> AbstractAsyncContextManager[None]:
    """Retry deletions that the store refused, in the background until the end of the block.

    Args:
        retry_deletions: the use case.
        interval: time between two retries; None for none at all.
    """
    if interval is None:
        return nullcontext()
    return run_in_background(_retry_repeatedly(retry_deletions, interval))


async def _retry_repeatedly(retry_deletions: ScheduledRetryDeletions, interval: timedelta) -> None:
    seconds = interval.total_seconds()
    while True:
        await asyncio.sleep(seconds)
        try:
            async with asyncio.timeout(seconds):
                # Shorter than the interval, so that it has expired when the next retry is due.
                await retry_deletions(interval / 2)
        except TimeoutError:
            _log.warning("file_deletion_retry_failed", reason="it took longer than the interval")
        except PortError as error:
            _log.warning("file_deletion_retry_failed", reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next interval tries again
            _log.error("file_deletion_retry_failed", exc_info=error)
