"""The background task that keeps the record of this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.operations.instances import KeepInstance
from application.ports.errors import PortError
from domain.instance import RENEWAL_INTERVAL
from entrypoints.tasks.background_task import log_task_failure, repeat

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics

_CALL_TIMEOUT: Final = 5.0
"""Seconds. The next renewal tries again, and a stop does not wait long for a database."""


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
        limit=timedelta(seconds=_CALL_TIMEOUT),
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
        async with asyncio.timeout(_CALL_TIMEOUT):
            await call
