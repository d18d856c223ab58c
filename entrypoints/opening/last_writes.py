"""Write what waits before the database is closed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from application.ports.errors import PortError

_LAST_WRITE_TIMEOUT: Final = 5.0

_log = structlog.get_logger()


async def write_last(write: Callable[[], Awaitable[None]], failed_event: str) -> None:
    """Write what was counted since the last write. A stop does not wait long for a database."""
    try:
        async with asyncio.timeout(_LAST_WRITE_TIMEOUT):
            await write()
    except TimeoutError:
        _log.warning(failed_event, reason="the database does not respond")
    except PortError as error:
        _log.warning(failed_event, reason=str(error))
