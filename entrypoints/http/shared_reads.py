"""Requests for the same thing that arrive together read it once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MAX_WAIT_SECONDS: Final = 1.0
"""How long a read waits for the one before. So a database that hangs costs little more time."""


class SharedReads(Generic[T]):
    """Shares each read among the requests that have arrived before it begins.

    - Nothing is cached: a request never gets what was read before it arrived. While a read is under
      way, new requests wait, and share the next one.
    - An error goes to all requests of that read. A canceled request affects no others.
    """

    def __init__(self) -> None:
        """Start without reads."""
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._next: dict[Hashable, tuple[asyncio.Task[T], list[asyncio.Future[T]]]] = {}

    def read(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        """Return what a read returns that begins from now on; equal keys read the same."""
        # Not the task itself behind `asyncio.shield`, which needs two callbacks for each request.
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if key not in self._next:
            results: list[asyncio.Future[T]] = []
            task = asyncio.create_task(self._run(key, read))
            task.add_done_callback(partial(_set_results, results))
            self._next[key] = task, results
        self._next[key][1].append(result)
        return result

    async def _run(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        if previous := self._running.get(key):
            await asyncio.wait([previous], timeout=MAX_WAIT_SECONDS)
        task = self._running[key] = self._next.pop(key)[0]
        try:
            return await read()
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _set_results(results: list[asyncio.Future[T]], task: asyncio.Task[T]) -> None:
    for result in results:
        if result.done():
            continue
        if task.cancelled():
            result.cancel()
        elif error := task.exception():
            result.set_exception(error)
        else:
            result.set_result(task.result())
