"""A queue that decides which image is decoded next."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from domain.errors import TooManyUploads

WAIT_TIMEOUT_SECONDS: Final = 60.0
SMALL_IMAGES_SHARE: Final = 4
"""Small images have a quarter of the maximum pixels for themselves."""
_AGING: Final = 1 / 64


@dataclass(eq=False, slots=True)
class QueuedWork:
    """One piece of work that has started, or waits for its turn."""

    pixels: int
    rank: tuple[float, int]
    started: asyncio.Future[None] = field(default_factory=asyncio.Future)
    is_beside: bool = False


class FairQueue:
    """Starts work in turns of the identities, a few pieces at a time.

    - An identity with much work waits behind identities with little work, as in start-time fair
      queueing. Each start raises the rank of work that arrives later, so no work waits forever.
    - The images in work have at most `max_pixels` together. If the next image has to wait for
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
        self._rank = 0.0
        self._next_ranks: dict[str, float] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is no work."""
        return not self._waiting and not self._running

    async def acquire(self, identity_id: str, pixels: int = 0) -> QueuedWork:
        """Wait for a work. The caller releases it when the work has ended.

        Raises:
            TooManyUploads: The turn did not come in time.
        """
        rank = max(self._rank, self._next_ranks.get(identity_id, 0.0))
        self._next_ranks[identity_id] = rank + 1
        work = QueuedWork(min(pixels, self._max_pixels), (rank, next(self._arrivals)))
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
        # A rank that has passed is worth as much as none.
        self._next_ranks = {
            identity_id: rank for identity_id, rank in self._next_ranks.items() if rank > self._rank
        }
        if self.is_idle:
            self._next_ranks.clear()

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
        rank, _ = work.rank
        self._rank = max(self._rank, rank) + _AGING
        if not work.started.done():  # the caller was cancelled at this moment
            work.started.set_result(None)

    def _pixels(self, *, is_beside: bool) -> int:
        return sum(work.pixels for work in self._running if work.is_beside is is_beside)
