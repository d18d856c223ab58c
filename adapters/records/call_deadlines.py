"""When calls of a database end: all calls of one request have one timeout together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from application.ports.current_request import CURRENT_REQUEST
from application.ports.errors import StorageError, StorageUnavailable

T = TypeVar("T")

GRACE_PERIOD: Final = 0.5
"""Seconds in which a driver, which knows the cause, may report its own timeout."""
TOO_MANY_CALLS: Final = "too many calls wait for the database"
_OUT_OF_TIME: Final = "earlier calls of this request took all of its time"


class Batches(Protocol):
    """Calls that go out together."""

    async def finish(self) -> None:
        """Return when none is under way."""
        ...


async def limit_call(timeout_seconds: float, call: Callable[[float], Awaitable[T]]) -> T:
    """Make a call with a deadline, a time of the event loop.

    All calls of one request have one timeout together, so that the client gets a response in time.

    Raises:
        StorageError
    """
    loop = asyncio.get_running_loop()
    now, request = loop.time(), CURRENT_REQUEST.get()
    if request is None:
        return await call(now + timeout_seconds)
    deadline = request.storage_deadline(now, timeout_seconds)
    if deadline <= now:
        raise StorageUnavailable(_OUT_OF_TIME)
    request.begin_storage_call(now)
    try:
        return await call(deadline)
    finally:
        request.end_storage_call(loop.time())


async def wait_for_batch(
    timeout_seconds: float, call: Callable[[], Awaitable[T]], error: type[StorageError]
) -> T:
    """Wait for a result of batches, until the deadline of a call.

    Behind batches that hang it would wait longer than one call.

    Args:
        timeout_seconds: The timeout of a call.
        call: Adds what is wanted to a batch.
        error: What is raised when the time is over.

    Raises:
        StorageError
    """

    async def wait_until(deadline: float) -> T:
        try:
            async with asyncio.timeout_at(deadline + GRACE_PERIOD):
                return await call()
        except TimeoutError:
            raise error(TOO_MANY_CALLS) from None

    return await limit_call(timeout_seconds, wait_until)
