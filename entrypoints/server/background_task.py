"""What the server repeats while it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from application.ports.errors import PortError

_log = structlog.get_logger()


@asynccontextmanager
async def repeat(
    work: Callable[[], Awaitable[object]],
    failed_event: str,
    *,
    pause: timedelta,
    first: timedelta | None = None,
    limit: timedelta | None = None,
) -> AsyncIterator[None]:
    """Do the work again and again in a task, which is cancelled at the end of the block.

    Args:
        work: Does it once.
        failed_event: What the log says if it failed.
        pause: The time between two times.
        first: The time until it is done first; by default the pause.
        limit: How long it may take; by default as long as the pause.
    """
    first_seconds = (pause if first is None else first).total_seconds()
    limit_seconds = (pause if limit is None else limit).total_seconds()

    async def run() -> None:
        await asyncio.sleep(first_seconds)
        while True:
            try:
                async with asyncio.timeout(limit_seconds):
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
