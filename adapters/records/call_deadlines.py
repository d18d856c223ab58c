"""When calls of a database end: all calls of one request have one timeout together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from adapters.records.answers import Answers
from adapters.records.overload_log import OverloadLog
from application.ports.current_request import CURRENT_REQUEST
from application.ports.errors import (
    PortError,
    StorageError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)

T = TypeVar("T")

GRACE_PERIOD: Final = 0.5
"""Seconds in which a driver, which knows the cause, may report its own timeout."""
TOO_MANY_CALLS: Final = "too many calls wait for the database"
_OUT_OF_TIME: Final = "earlier calls of this request took all of its time"
_NO_ANSWER: Final = (StorageUnavailable, StorageTimeout, StorageOverloaded)


class Batches(Protocol):
    """Calls that go out together."""

    async def finish(self) -> None:
        """Return when none is under way."""
        ...


class CallDeadlines:
    """Limits the time of each call of a database, and knows whose fault it is if that is over.

    - All calls of one request have one timeout together, so that the client gets a response in
      time.
    - A call that waits for its turn gives up after a third of the timeout, or half of the time that
      its request has left, while the database answers others. In the order of arrival, a queue that
      is too long would otherwise serve only those whose time is nearly over, and the database would
      do all of its work in vain.
    - What the database had less than half of the timeout for is not its fault, while it answers
      others.

    Attributes:
        timeout_seconds: The timeout of a call.
        answers: When the database answered last.
    """

    def __init__(self, timeout_seconds: float, overload: OverloadLog | None = None) -> None:
        self.timeout_seconds = timeout_seconds
        self.answers = Answers(overload)

    async def limit(self, call: Callable[[float], Awaitable[T]]) -> T:
        """Make a call with a deadline, a time of the event loop.

        Raises:
            StorageOverloaded: There was no time left, and the database answers others.
            PortError: What the call raises.
        """
        loop = asyncio.get_running_loop()
        now, request = loop.time(), CURRENT_REQUEST.get()
        if request is None:
            return await self._make(call, now + self.timeout_seconds)
        deadline = request.storage_deadline(now, self.timeout_seconds)
        if deadline <= now:
            raise self.answers.explain(StorageUnavailable(_OUT_OF_TIME))
        request.begin_storage_call(now)
        try:
            return await self._make(call, deadline)
        finally:
            request.end_storage_call(loop.time())

    async def wait_for_batch(
        self, call: Callable[[], Awaitable[T]], error: type[StorageError]
    ) -> T:
        """Wait for a result of batches, until the deadline of a call.

        Behind batches that hang it would wait longer than one call.

        Args:
            call: Adds what is wanted to a batch.
            error: What is raised when the time is over, if the database answers nobody.

        Raises:
            StorageError
        """

        async def wait_until(deadline: float) -> T:
            try:
                async with asyncio.timeout_at(deadline + GRACE_PERIOD):
                    return await call()
            except TimeoutError:
                raise self.answers.explain(error(TOO_MANY_CALLS)) from None

        return await self.limit(wait_until)

    def end_of_wait(self, deadline: float) -> float:
        """Return until when a call waits for its turn, if the database answers others."""
        now = asyncio.get_running_loop().time()
        return now + min(self.timeout_seconds / 3, (deadline - now) / 2)

    def explain_timeout(self, error: PortError, seconds: float) -> PortError:
        """Return what a call raises that was sent, and was not answered in time.

        Args:
            error: The error of the database.
            seconds: The time that the database had.
        """
        return self.answers.explain(error) if seconds < self.timeout_seconds / 2 else error

    async def _make(self, call: Callable[[float], Awaitable[T]], deadline: float) -> T:
        try:
            result = await call(deadline)
        except _NO_ANSWER:
            raise
        except PortError:
            self.answers.record()
            raise
        self.answers.record()
        return result
