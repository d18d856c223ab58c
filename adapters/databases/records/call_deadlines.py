"""How long a call of a store may take, its wait included, and what is to blame for a timeout."""

import asyncio
import logging
import math
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Protocol, TypeVar

from adapters.databases.records.store_calls import AroundCall
from application.ports.current_request import CURRENT_REQUEST, MIN_STORAGE_SECONDS
from application.ports.errors import (
    PortError,
    StorageError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)
from application.tasks import call_adapter, is_ended

T = TypeVar("T")

MAX_SILENCE: Final = 1.0
"""Seconds after its last answer for which a store counts as one that answers."""
LOG_INTERVAL: Final = 10.0
"""Seconds between two lines about an overload."""
GRACE_PERIOD: Final = 0.5
"""Seconds in which a driver, which knows the cause, may report its own timeout."""
_EARLY: Final = 0.1
"""Seconds before the deadline in which a driver may give up, as for one more round trip."""
LATE: Final = 0.25
"""Seconds by which a timer comes late only if the event loop does."""
EXTENSION: Final = 1.0
"""Seconds in which a loop that came late may find what came meanwhile."""
MAX_EXTENSIONS: Final = 5
OWN_TIMEOUT: Final = 15.0
"""Seconds for all calls of a request to an operator's own store, as long as a write of SQLite has.
Apps wait for 20 s."""
_TOO_MANY_CALLS: Final = "too many calls wait for the database"
_OUT_OF_TIME: Final = "earlier calls of this request took all of its time"
_NO_ANSWER: Final = f"no answer within {OWN_TIMEOUT:g} seconds"

_log = logging.getLogger(__name__)


class Batches(Protocol):
    """Calls that go out together."""

    async def finish(self) -> None:
        """Return when none is under way."""
        ...


class PatientTimeout:
    """Raises TimeoutError at a time, unless the event loop comes late: then some seconds later.

    A machine without a free processor is late with everything. The awaited result may have come
    long ago, unseen.
    """

    def __init__(self, time: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._handle = self._loop.call_at(time, self._expire, time, MAX_EXTENSIONS)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._handle.cancel()
        await self._timeout.__aexit__(error_type, error, traceback)

    def _expire(self, due: float, extensions: int) -> None:
        now = self._loop.time()
        if now - due <= LATE or not extensions:
            self._timeout.reschedule(now)
            return
        later = now + EXTENSION
        self._handle = self._loop.call_at(later, self._expire, later, extensions - 1)


class Answers:
    """When a store answered last: it tells an overload of this process from its failure.

    This process limits how many calls a store has at the same time, and the others wait. A call
    that waits too long is the fault of the store only if it answers no calls at all.
    """

    def __init__(self, store: str = "database") -> None:
        self._store = store
        self._last_at = -math.inf
        self._rejected_calls = 0
        self._next_line_at = -math.inf

    @property
    def are_recent(self) -> bool:
        """Whether a call was answered within the last second."""
        return asyncio.get_running_loop().time() - self._last_at <= MAX_SILENCE

    def record(self) -> None:
        """Record an answer: a result, or an error that only a store that works has."""
        self._last_at = asyncio.get_running_loop().time()

    def explain(self, error: PortError) -> PortError:
        """Return the error of a call that had not enough time because of others.

        It is `error` if the store answers no calls.
        """
        if not self.are_recent:
            return error
        self.log_overload(str(error))
        return StorageOverloaded(error.reason)

    def log_overload(self, reason: str) -> None:
        """Count a call that was rejected for this reason, and log a line every ten seconds."""
        now = asyncio.get_running_loop().time()
        self._rejected_calls += 1
        if now < self._next_line_at:
            return
        _log.warning(
            {
                "event": "storage_overloaded",
                "store": self._store,
                "reason": reason,
                "rejected_calls": self._rejected_calls,
            }
        )
        self._rejected_calls, self._next_line_at = 0, now + LOG_INTERVAL


class CallDeadlines:
    """Limits the time of each call of a store, and how many there are at the same time.

    - All calls of one request have one timeout together, so that the client gets a response in
      time.
    - A call that waits for its turn gives up after a third of the timeout, or half of the time that
      its request has left, while the store answers others. In the order of arrival, a queue that is
      too long would otherwise serve only those whose time is nearly over, and the store would do
      all of its work in vain. While no call gets an answer, as in an election, it waits longer.
    - What the store had less than half of the timeout for is not its fault, while it answers
      others and calls wait for their turn.
    - While none waits, a call has `MIN_STORAGE_SECONDS`, whatever took the time of its request. So
      an event loop that comes late is no overload of the store.
    """

    def __init__(
        self, timeout_seconds: float, max_calls: int = sys.maxsize, store: str = "database"
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self.answers = Answers(store)
        self._turns = asyncio.Semaphore(max_calls)
        self._waiting = 0

    @property
    def are_turns_taken(self) -> bool:
        """Whether a call would wait for its turn, and the store answers others.

        A health check would come too late, and these prove as much.
        """
        return self._turns.locked() and self.answers.are_recent

    async def limit(self, call: Callable[[float], Awaitable[T]]) -> T:
        """Make a call in its turn, with a deadline, a time of the event loop."""
        with self._until_deadline() as deadline:
            await self._take_turn(deadline)
            try:
                return await self._make(call, deadline)
            finally:
                self._turns.release()

    async def wait_for_batch(
        self, call: Callable[[], Awaitable[T]], error: type[StorageError]
    ) -> T:
        """Wait for a result of batches, until the deadline of a call.

        Behind batches that hang it would wait longer than one call.

        `error` is raised when the time is over and the store answers no calls.
        """
        with self._until_deadline() as deadline:
            try:
                async with PatientTimeout(deadline + GRACE_PERIOD):
                    return await call()
            except TimeoutError:
                raise self.answers.explain(error(_TOO_MANY_CALLS)) from None

    @contextmanager
    def _until_deadline(self) -> Iterator[float]:
        loop = asyncio.get_running_loop()
        now, request = loop.time(), CURRENT_REQUEST.get()
        if request is None:
            yield now + self.timeout_seconds
            return
        deadline = request.storage_deadline(now, self.timeout_seconds)
        if deadline <= now:
            if self._waiting:
                raise self.answers.explain(StorageUnavailable(_OUT_OF_TIME))
            deadline = now + MIN_STORAGE_SECONDS
        request.begin_storage_call(now)
        try:
            yield deadline
        finally:
            request.end_storage_call(loop.time())

    async def _take_turn(self, deadline: float) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        now = asyncio.get_running_loop().time()
        self._waiting += 1
        try:
            for time in (now + min(self.timeout_seconds / 3, (deadline - now) / 2), deadline):
                try:
                    async with PatientTimeout(time):
                        await self._turns.acquire()
                        return
                except TimeoutError:
                    if self.answers.are_recent:
                        break
        finally:
            self._waiting -= 1
        raise self.answers.explain(StorageUnavailable(_TOO_MANY_CALLS))

    async def _make(self, call: Callable[[float], Awaitable[T]], deadline: float) -> T:
        loop = asyncio.get_running_loop()
        seconds = deadline - loop.time()
        if seconds <= 0:
            if self._waiting:
                raise self.answers.explain(StorageUnavailable(_TOO_MANY_CALLS))
            seconds = MIN_STORAGE_SECONDS
            deadline = loop.time() + seconds
        try:
            result = await call(deadline)
        except StorageTimeout as error:
            # A connection that was lost before is no question of time.
            is_late = loop.time() >= deadline - _EARLY
            if is_late and seconds < self.timeout_seconds / 2 and self._waiting:
                raise self.answers.explain(error) from None
            raise
        except (StorageUnavailable, StorageOverloaded):
            raise
        except PortError:
            self.answers.record()
            raise
        self.answers.record()
        return result


def limit_own_calls(store: str = "database") -> AroundCall:
    """Return what makes the calls of an operator's own store.

    They may hang, or be cancelled by what they call.
    """
    deadlines = CallDeadlines(OWN_TIMEOUT, store=store)

    async def limit(method: str, call: Callable[[], Awaitable[T]]) -> T:
        async def call_until(deadline: float) -> T:
            seconds = deadline - asyncio.get_running_loop().time()
            try:
                return await call_adapter(f"own_{method}", call, seconds)
            except TimeoutError:
                raise StorageTimeout(_NO_ANSWER) from None
            except StorageOverloaded as error:
                deadlines.answers.log_overload(str(error))
                raise
            except Exception:
                raise
            except BaseException as error:  # SystemExit would end the process
                if is_ended():
                    raise
                raise StorageTimeout(f"it was ended by {type(error).__name__}") from error

        return await deadlines.limit(call_until)

    return limit
