"""Requests for the same thing that arrive together read it once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
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
        self._next: dict[Hashable, asyncio.Task[T]] = {}

    async def read(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return what a read returns that begins from now on; equal keys read the same."""
        task = self._next.get(key)
        if task is None:
            task = self._next[key] = asyncio.create_task(self._run(key, read))
        return await asyncio.shield(task)

    async def _run(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        if previous := self._running.get(key):
            await asyncio.wait([previous], timeout=MAX_WAIT_SECONDS)
        task = self._running[key] = self._next.pop(key)
        try:
            return await read()
        finally:
            if self._running.get(key) is task:
                del self._running[key]
