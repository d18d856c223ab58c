"""Waiting for what is under way at the same time."""

import asyncio
from collections.abc import Awaitable, Generator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from domain.values import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Completed(Generic[T]):
    """Awaitable that has its result at once: a future would ask for the event loop."""

    value: T

    def __await__(self) -> Generator[Any, None, T]:
        """Return the result without waiting."""
        yield from ()
        return self.value


_NEEDS_NO_TASK: Final = (Completed, asyncio.Future)

if TYPE_CHECKING:
    from asyncio import gather
else:

    async def gather(*awaitables: Awaitable[Any]) -> list[Any]:
        """Wait as `asyncio.gather` does, without tasks where at most one needs a task.

        So a port that has its result at once returns it as `Completed`, and one that has to wait
        returns a future under way instead of a coroutine, where it can.
        """
        coroutines = [one for one in awaitables if not isinstance(one, _NEEDS_NO_TASK)]
        if len(coroutines) > 1:
            return await asyncio.gather(*awaitables)
        try:
            # First, because the others are under way.
            results = [await coroutine for coroutine in coroutines]
            return [
                one.value
                if type(one) is Completed
                else await one
                if isinstance(one, asyncio.Future)
                else results[0]
                for one in awaitables
            ]
        except BaseException as error:
            futures = [one for one in awaitables if isinstance(one, asyncio.Future)]
            # Otherwise the event loop would report their errors as never retrieved.
            others = asyncio.gather(*futures, return_exceptions=True)
            if isinstance(error, asyncio.CancelledError):
                others.cancel()
            raise


def begin(awaitable: Awaitable[T]) -> Awaitable[T]:
    """Return what is under way. Nobody has to wait for it, or for its error."""
    if isinstance(awaitable, Completed):
        return awaitable
    result = asyncio.ensure_future(awaitable)
    result.add_done_callback(_retrieve_error)
    return result


def _retrieve_error(result: asyncio.Future[Any]) -> None:
    if not result.cancelled():
        result.exception()


__all__ = ["Completed", "begin", "gather"]
