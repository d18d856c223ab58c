"""Tasks that the server repeats while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.ports.errors import PortError
from application.tasks import is_ended, start_task

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics

_log = logging.getLogger(__name__)


@asynccontextmanager
async def repeat(
    name: str,
    work: Callable[[], Awaitable[object]],
    *,
    failed_event: str,
    pause: timedelta,
    metrics: "Metrics | None",
    first: timedelta | None = None,
    limit: timedelta | None = None,
    pause_after_failure: timedelta | None = None,
    log_failure: Callable[[str, Exception], None] | None = None,
) -> AsyncIterator[None]:
    """Do the work again and again in a task, which is cancelled at the end of the block.

    Nothing else ends the task: whatever the work raises is logged and counted, and it is done again
    after the pause. The pause is also the default of `first`, the time until it is done first, and
    of `limit`, the longest time that it may take.
    """
    first_seconds = (pause if first is None else first).total_seconds()
    limit_seconds = (pause if limit is None else limit).total_seconds()
    pause_after_failure_seconds = (pause_after_failure or pause).total_seconds()
    failures = None if metrics is None else metrics.background_failures.labels(name)
    log = log_failure or log_task_failure

    async def has_failed() -> bool:
        timeout = asyncio.timeout(limit_seconds)
        try:
            async with timeout:
                await work()
        except TimeoutError as raised:
            late = TimeoutError(f"it took longer than {limit_seconds:g} seconds")
            error: Exception = late if timeout.expired() else raised
        # Whatever the error, the next run tries again: an ended task would not be noticed.
        except BaseException as raised:
            if isinstance(raised, Exception):
                error = raised
            elif isinstance(raised, asyncio.CancelledError) and is_ended():
                raise
            else:  # what it called was cancelled, or ends with more than an error
                error = RuntimeError(f"it was ended by {type(raised).__name__}")
                error.__cause__ = raised
        else:
            return False
        if failures is not None:
            failures.inc()
        log(failed_event, error)
        return True

    async def run() -> None:
        seconds = first_seconds
        # The work may take the end of the task for an error of its own.
        while not is_ended():
            await asyncio.sleep(seconds)
            is_failed = await has_failed()
            seconds = pause_after_failure_seconds if is_failed else pause.total_seconds()

    task = start_task(name, run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def log_task_failure(event: str, error: Exception) -> None:
    """Log why the work of a task failed: a warning for what is known, an error for a bug."""
    if isinstance(error, PortError | TimeoutError):
        _log.warning({"event": event, "reason": str(error)})
    else:
        _log.error({"event": event}, exc_info=error)


_LAST_WRITE_TIMEOUT: Final = 5.0


async def write_last(write: Callable[[], Awaitable[None]], failed_event: str) -> None:
    """Write what was counted since the last write. A stop does not wait long for a database."""
    try:
        async with asyncio.timeout(_LAST_WRITE_TIMEOUT):
            await write()
    except TimeoutError:
        _log.warning({"event": failed_event, "reason": "the database does not respond"})
    except PortError as error:
        _log.warning({"event": failed_event, "reason": str(error)})
