"""Requests for the same thing that arrive together read it once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from application.bounded_cache import BoundedCache
from application.gathering import Completed

T = TypeVar("T")

MAX_WAIT_SECONDS: Final = 1.0
"""How long a read waits for another. So a database that hangs costs little more time."""
MAX_AGE_SECONDS: Final = 1.0
"""How long a result is known, because not everybody numbers changes.

A database may fail between a change and its number, or have an election meanwhile; an older version
of this program numbers none; and operators may change documents by hand.
"""
MAX_KNOWN_RESULTS: Final = 64


class _KnownResult(NamedTuple, Generic[T]):
    """What a read returned that began at a time of the event loop, after this change."""

    last_change: int
    read_at: float
    result: T


class SharedReads(Generic[T]):
    """Shares each read among the requests that have arrived before it begins.

    - A request never gets what was read before it arrived, unless nothing has changed since. While
      a read is under way, new requests wait, and share the next one.
    - An error goes to all requests of that read. A canceled request affects no others.
    """

    def __init__(self) -> None:
        """Start without reads."""
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._next: dict[Hashable, tuple[asyncio.Task[T], list[asyncio.Future[T]]]] = {}
        self._known = BoundedCache[Hashable, _KnownResult[T]](MAX_KNOWN_RESULTS)

    def read(
        self, key: Hashable, read: Callable[[], Awaitable[T]], last_change: int | None = None
    ) -> Awaitable[T]:
        """Return what a read returns that begins from now on; equal keys read the same.

        Args:
            key: What is read.
            read: Reads it.
            last_change: The number of the last change when the request had arrived. If another read
                began after the same change, its result is returned.
        """
        loop = asyncio.get_running_loop()
        known = self._known.get(key)
        if (
            known is not None
            and known.last_change == last_change
            and loop.time() < known.read_at + MAX_AGE_SECONDS
        ):
            return Completed(known.result)
        # Not the task itself behind `asyncio.shield`, which needs two callbacks for each request.
        result: asyncio.Future[T] = loop.create_future()
        if key not in self._next:
            results: list[asyncio.Future[T]] = []
            task = asyncio.create_task(self._run(key, read, last_change))
            task.add_done_callback(partial(_set_results, results))
            self._next[key] = task, results
        self._next[key][1].append(result)
        return result

    async def _run(
        self, key: Hashable, read: Callable[[], Awaitable[T]], last_change: int | None
    ) -> T:
        if previous := self._running.get(key):
            await asyncio.wait([previous], timeout=MAX_WAIT_SECONDS)
        task = self._running[key] = self._next.pop(key)[0]
        read_at = asyncio.get_running_loop().time()
        try:
            result = await read()
        finally:
            if self._running.get(key) is task:
                del self._running[key]
        if last_change is not None:
            self._known.put(key, _KnownResult(last_change, read_at, result))
        return result


def _set_results(results: list[asyncio.Future[T]], task: asyncio.Task[T]) -> None:
    # Also if nobody waits any more: otherwise the event loop would report it as never retrieved.
    error = None if task.cancelled() else task.exception()
    for result in results:
        if result.done():
            continue
        if task.cancelled():
            result.cancel()
        elif error is not None:
            result.set_exception(error)
        else:
            result.set_result(task.result())
