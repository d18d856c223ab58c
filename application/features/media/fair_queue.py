"""A queue that decides which image is decoded next."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from domain.features.media.errors import TooManyUploads

WAIT_TIMEOUT_SECONDS: Final = 60.0
SMALL_IMAGES_SHARE: Final = 4
"""Small images have a quarter of the maximum pixels for themselves."""
_TURN: Final = 64
"""Work waits behind so many later arrivals for each older work of its identity."""


@dataclass(eq=False, slots=True)
class QueuedWork:
    """One piece of work that has started, or waits for its turn."""

    identity_id: str
    pixels: int
    rank: int
    started: asyncio.Future[None] = field(default_factory=asyncio.Future)
    is_beside: bool = False


class FairQueue:
    """Starts work in turns of the identities, a few pieces at a time.

    - An identity with much work waits behind identities with little work, but behind a limited
      number of later arrivals, so no work waits forever. In the order of arrival, one identity that
      sends much would keep all others waiting.
    - The images in work have at most `max_pixels` together: a limit of their number would be too
      low for small images, or too high for large ones. If the next image has to wait for
      pixels, images behind it start beside it, with a quarter of that number in addition. So a
      large image blocks no small ones, and small ones do not delay it.
    - It is used in one event loop.
    """

    def __init__(self, max_running: int, max_pixels: int) -> None:
        """Run at most `max_running` pieces of work with `max_pixels` pixels."""
        self._max_running = max_running
        self._max_pixels = max_pixels
        self._max_beside = max_pixels // SMALL_IMAGES_SHARE
        self._waiting: list[QueuedWork] = []
        self._running: set[QueuedWork] = set()
        self._arrivals = count()

    async def acquire(self, identity_id: str, pixels: int = 0) -> QueuedWork:
        """Wait for a work. The caller releases it when the work has ended.

        Raises:
            TooManyUploads: The turn did not come in time.
        """
        older = [work.identity_id for work in (*self._waiting, *self._running)].count(identity_id)
        rank = next(self._arrivals) + _TURN * older
        work = QueuedWork(identity_id, min(pixels, self._max_pixels), rank)
        self._waiting.append(work)
        self._start_waiting()
        try:
            async with asyncio.timeout(WAIT_TIMEOUT_SECONDS):
                await work.started
        except BaseException as error:
            self.release(work)
            if isinstance(error, TimeoutError):
                raise TooManyUploads from error
            raise
        return work

    def release(self, work: QueuedWork) -> None:
        """End a work, whether it has come or not."""
        if work in self._running:
            self._running.remove(work)
        else:
            self._waiting.remove(work)
        self._start_waiting()

    def _start_waiting(self) -> None:
        is_blocked = False
        for work in sorted(self._waiting, key=lambda work: work.rank):
            if len(self._running) >= self._max_running:
                return
            if not is_blocked and work.pixels <= self._max_pixels - self._pixels(is_beside=False):
                self._start(work)
            elif work.pixels <= self._max_beside - self._pixels(is_beside=True):
                work.is_beside = True
                self._start(work)
            else:
                is_blocked = True

    def _start(self, work: QueuedWork) -> None:
        self._waiting.remove(work)
        self._running.add(work)
        if not work.started.done():  # the caller was cancelled at this moment
            work.started.set_result(None)

    def _pixels(self, *, is_beside: bool) -> int:
        return sum(work.pixels for work in self._running if work.is_beside is is_beside)
