"""The time limit of those who wait for a part of a batch."""

import asyncio
from collections.abc import Callable
from typing import Any


class Deadline:
    """The time limit of a future. It takes a third of the time of an `asyncio.Timeout`."""

    __slots__ = ("_loop", "_make_error", "_result", "_timer")

    def __init__(
        self, result: asyncio.Future[Any], seconds: float, make_error: Callable[[], Exception]
    ) -> None:
        """Fail the future with an error if it has no result in time."""
        self._loop = result.get_loop()
        self._result = result
        self._make_error = make_error
        self._timer = self._loop.call_later(seconds, self._expire)

    def when(self) -> float:
        """Return the time of the event loop at which it ends."""
        return self._timer.when()

    def reschedule(self, when: float) -> None:
        """End it at another time."""
        self._timer.cancel()
        self._timer = self._loop.call_at(when, self._expire)

    def cancel(self) -> None:
        """Let it never end."""
        self._timer.cancel()

    def _expire(self) -> None:
        if not self._result.done():
            self._result.set_exception(self._make_error())
