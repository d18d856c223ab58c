"""A circuit breaker: while the database does not answer, no request waits for it."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Final, TypeVar

from application.ports.errors import (
    PortError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)
from application.tasks import is_ended, start_task

T = TypeVar("T")
_Check = Callable[[], Awaitable[object]]
"""Returns if the database does its work again."""

MAX_FAILURES: Final = 3
"""In a row: the next call fails at once."""
CHECK_INTERVAL: Final = 1.0
"""Seconds between the beginnings of two checks, unless one takes longer."""
CHECK_TIMEOUT: Final = 15.0
"""Seconds after which a check is cancelled, so that the next one can begin."""
OVERLOAD_SECONDS: Final = 5.0
"""How long a health check takes part in an overload after a call was rejected."""
_REASONS: Final = {
    "database": "the database did not answer the last calls",
    "limits": "the limit store did not answer the last calls",
}
"""Why no call is made, by the store."""
_OVERLOADED: Final = "too many calls wait, and others are answered"

_log = logging.getLogger(__name__)


class CircuitBreaker:
    """Makes calls of a database, unless the last ones have failed.

    - `StorageUnavailable` and `StorageTimeout` are failures. With any other error the database has
      answered. A call that was cancelled is neither, nor is `StorageOverloaded`: it says nothing.
    - After `MAX_FAILURES` in a row calls fail at once, and a check runs every second until it
      succeeds. The first one runs at once: a lost connection may have failed many calls.
    - Every success lets all calls through again, also of a call that began before the failures.
    - Reads and writes are told apart: a database may answer reads, and none of the writes, while a
      standby is missing. A failure counts for both. A success of a write does too.
    """

    def __init__(self, check_reads: _Check, check_writes: _Check, store: str = "database") -> None:
        """Let all calls through. Lines in the log name the store."""
        self._reads = _Circuit(store, "reads", check_reads)
        self._writes = _Circuit(store, "writes", check_writes)
        self._overloaded_at = -math.inf

    async def read(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that changes nothing.

        Raises:
            StorageUnavailable: Also if the last calls have failed.
            PortError: What the call raises.
        """
        return await self._make(call, self._reads)

    async def write(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may change something; see `read`."""
        result = await self._make(call, self._writes)
        self._reads.close()
        return result

    async def check(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that writes, even if the last ones have failed. Its failure does not count.

        Raises:
            StorageOverloaded: Also if one of the last calls was, and calls are made: this one would
                wait behind many.
            PortError: What the call raises.
        """
        overloaded_for = asyncio.get_running_loop().time() - self._overloaded_at
        is_closed = not (self._reads.is_open or self._writes.is_open)
        if is_closed and overloaded_for <= OVERLOAD_SECONDS:
            raise StorageOverloaded(_OVERLOADED)
        result = await call()
        self._reads.close()
        self._writes.close()
        return result

    async def stop(self) -> None:
        """End the checks, and begin none any more."""
        await self._reads.stop()
        await self._writes.stop()

    async def _make(self, call: Callable[[], Awaitable[T]], circuit: "_Circuit") -> T:
        if circuit.is_open:
            raise StorageUnavailable(circuit.reason)
        try:
            result = await call()
        except (StorageUnavailable, StorageTimeout) as error:
            self._reads.count_failure(error)
            self._writes.count_failure(error)
            raise
        except StorageOverloaded:
            self._overloaded_at = asyncio.get_running_loop().time()
            raise
        except PortError:
            circuit.close()
            raise
        circuit.close()
        return result


class _Circuit:
    """Calls of one sort. The circuit is open, like an electric one, while no call is made."""

    def __init__(self, store: str, operations: str, check: _Check) -> None:
        self.is_open = False
        self.reason = _REASONS[store]
        self._store = store
        self._operations = operations
        self._check = check
        self._failures = 0
        self._opened_at = 0.0
        self._checks: asyncio.Task[None] | None = None
        self._is_stopped = False

    def count_failure(self, error: PortError) -> None:
        self._failures += 1
        if self._failures < MAX_FAILURES or self.is_open or self._is_stopped:
            return
        self.is_open, self._opened_at = True, asyncio.get_running_loop().time()
        _log.warning(
            {
                "event": "database_unavailable",
                "store": self._store,
                "operations": self._operations,
                "reason": str(error),
            }
        )
        # A check that has not ended since the circuit was open before goes on.
        if self._checks is None or self._checks.done():
            # It belongs to no request, whose time limit it would have.
            self._checks = start_task(
                "check_database", self._check_until_closed(), context=Context()
            )

    def close(self) -> None:
        self._failures = 0
        if not self.is_open:
            return
        self.is_open = False
        seconds = asyncio.get_running_loop().time() - self._opened_at
        _log.warning(
            {
                "event": "database_available",
                "store": self._store,
                "operations": self._operations,
                "duration_ms": round(seconds * 1000, 1),
            }
        )

    async def stop(self) -> None:
        self._is_stopped, self.is_open = True, False
        if self._checks is not None:
            self._checks.cancel()
            with suppress(asyncio.CancelledError):
                await self._checks

    async def _check_until_closed(self) -> None:
        loop = asyncio.get_running_loop()
        while self.is_open:
            next_at = loop.time() + CHECK_INTERVAL
            try:
                async with asyncio.timeout(CHECK_TIMEOUT):
                    await self._check()
            except BaseException:
                # Without a check, the circuit would be open until the process ends.
                if is_ended():
                    raise
                await asyncio.sleep(next_at - loop.time())
            else:
                self.close()
