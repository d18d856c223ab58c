"""The background task that keeps the record of this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Final

from application.operations.instances import KeepInstance
from application.ports.errors import PortError
from domain.instance import RENEWAL_INTERVAL

_CALL_TIMEOUT: Final = 5.0
"""Seconds. The next renewal tries again, and a stop does not wait long for a database."""


@asynccontextmanager
async def keep_instance(instance: KeepInstance) -> AsyncIterator[None]:
    """Write the record, renew it in a task, and delete it at the end of the block.

    While the database is away the task goes on trying without a word: readiness and the log have
    the reason already.
    """

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEWAL_INTERVAL.total_seconds())
            await _try(instance.renew())

    await _try(instance.renew())
    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await _try(instance.delete())


async def _try(call: Awaitable[None]) -> None:
    with suppress(PortError, TimeoutError):
        async with asyncio.timeout(_CALL_TIMEOUT):
            await call
