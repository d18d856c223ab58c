"""The background task that closes connections that wait too long or are too many."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog

from entrypoints.server.background_task import run_in_background
from entrypoints.server.connections import OpenConnections

_INTERVAL_SECONDS: Final = 1.0
_START_INTERVAL_SECONDS: Final = 0.02
"""The server begins to listen some time after the application has started."""

_log = structlog.get_logger()


def run_connection_task(connections: OpenConnections) -> AbstractAsyncContextManager[None]:
    """Look at all connections once a second until the end of the block."""
    return run_in_background(_run(connections))


async def _run(connections: OpenConnections) -> None:
    while True:
        await asyncio.sleep(
            _INTERVAL_SECONDS if connections.has_listener else _START_INTERVAL_SECONDS
        )
        try:
            closed = await connections.close_overdue(time.monotonic())
        except Exception as error:  # noqa: BLE001 - the next second tries again
            _log.error("connection_check_failed", exc_info=error)
            continue
        if closed:
            _log.warning("connections_closed", **{reason.value: n for reason, n in closed.items()})
