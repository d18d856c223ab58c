"""Long jobs leave the database to others: short steps with pauses, and few calls at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
U = TypeVar("U")

PARALLEL_WRITES: Final = 4
"""Requests of the same process keep connections of their own."""
_MAX_PAUSE: Final = 1.0


class Pace:
    """Pauses after each step for as long as the step took: half of the time is for others."""

    def __init__(self) -> None:
        self._began_at = asyncio.get_running_loop().time()

    async def pause(self) -> None:
        """End a step, and begin the next one after the pause."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(min(loop.time() - self._began_at, _MAX_PAUSE))
        self._began_at = loop.time()


async def call_in_groups(
    call: Callable[[T], Awaitable[U]], values: Sequence[T], parallel: int = PARALLEL_WRITES
) -> list[U]:
    """Make a call for each value, `parallel` at the same time, and return the results in order.

    All of a group have ended when one of them raises, and no other begins.
    """
    results: list[U] = []
    for start in range(0, len(values), parallel):
        group = map(call, values[start : start + parallel])
        for result in await asyncio.gather(*group, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            results.append(result)
    return results
