"""Waiting for what is under way at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from asyncio import gather
else:

    async def gather(*awaitables: Awaitable[Any]) -> list[Any]:
        """Wait as `asyncio.gather` does, at a tenth of its cost where at most one has to wait.

        A port that has its result at once returns a future that is done, and no coroutine.
        """
        waiting = [
            awaitable
            for awaitable in awaitables
            if not isinstance(awaitable, asyncio.Future)
            or not awaitable.done()
            or awaitable.cancelled()
            or awaitable.exception() is not None
        ]
        if len(waiting) > 1:
            return await asyncio.gather(*awaitables)
        if waiting:
            result = await waiting[0]
            return [result if one is waiting[0] else one.result() for one in awaitables]
        return [one.result() for one in awaitables]


def completed(result: T) -> "asyncio.Future[T]":
    """Return a future with a result that is known already."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


__all__ = ["completed", "gather"]
