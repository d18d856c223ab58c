"""Waiting for what is under way at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from asyncio import gather
else:

    async def gather(*awaitables: Awaitable[Any]) -> list[Any]:
        """Wait as `asyncio.gather` does, without tasks where at most one needs a task.

        A future is under way, or done, so a port returns one instead of a coroutine where it can.
        """
        coroutines = [one for one in awaitables if not isinstance(one, asyncio.Future)]
        if len(coroutines) > 1:
            return await asyncio.gather(*awaitables)
        try:
            # First, because the others are under way.
            results = [await coroutine for coroutine in coroutines]
            return [
                await one if isinstance(one, asyncio.Future) else results[0] for one in awaitables
            ]
        except BaseException as error:
            futures = [one for one in awaitables if isinstance(one, asyncio.Future)]
            # Otherwise the event loop would report their errors as never retrieved.
            others = asyncio.gather(*futures, return_exceptions=True)
            if isinstance(error, asyncio.CancelledError):
                others.cancel()
            raise


def completed(result: T) -> "asyncio.Future[T]":
    """Return a future with a result that is known already."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


__all__ = ["completed", "gather"]
