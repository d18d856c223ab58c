"""Identities take turns, and the images in work have a limited number of pixels."""

import asyncio
from itertools import pairwise

import pytest

from application.features.media import fair_queue
from application.features.media.fair_queue import FairQueue, QueuedWork
from domain.features.media.errors import TooManyUploads


class Work:
    """Pieces of work in a queue, named by identity and number."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self._turns: dict[str, QueuedWork] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.started: list[str] = []

    async def arrive(self, *names: str, pixels: int = 0) -> None:
        """Wait for a turn of each name. The first letter is the identity."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._acquire(name, pixels))
            await _run_pending()

    async def end(self, name: str) -> None:
        """End one piece of work."""
        self._queue.release(self._turns.pop(name))
        await _run_pending()

    async def end_all(self) -> list[str]:
        """End the work in the order in which it started; return this order."""
        while self._turns:
            await self.end(next(iter(self._turns)))
        return self.started

    async def _acquire(self, name: str, pixels: int) -> None:
        self._turns[name] = await self._queue.acquire(name[0], pixels)
        self.started.append(name)


async def _run_pending() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def queue(max_running: int = 1, max_pixels: int = 100) -> Work:
    return Work(FairQueue(max_running, max_pixels))


async def test_identities_take_turns() -> None:
    work = queue()
    await work.arrive("a1", "a2", "a3", "b1", "b2", "c1")
    assert work.started == ["a1"]
    assert await work.end_all() == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_only_so_many_pieces_of_work_and_pixels_are_in_work() -> None:
    work = queue(max_running=3)
    await work.arrive("a1", "b1", pixels=50)
    await work.arrive("c1", pixels=60)
    assert work.started == ["a1", "b1"]
    await work.end("a1")
    assert work.started == ["a1", "b1"]
    await work.end("b1")
    await work.arrive("d1", "e1", "f1")
    assert work.started == ["a1", "b1", "c1", "d1", "e1"]


async def test_small_images_do_not_delay_a_large_one() -> None:
    work = queue(max_running=9)
    await work.arrive("a1", pixels=60)
    await work.arrive("b1", pixels=1000)
    await work.arrive("c1", "d1", pixels=20)
    assert work.started == ["a1", "c1"]
    await work.end("a1")
    # An image with more pixels than the limit runs as if it had as many.
    assert work.started == ["a1", "c1", "b1"]


@pytest.mark.parametrize("order", ["cancelled before its turn", "cancelled with its turn"])
async def test_a_cancelled_caller_has_no_turn(order: str) -> None:
    fair = FairQueue(1, 100)
    work = await fair.acquire("a")
    task = asyncio.create_task(fair.acquire("b"))
    await _run_pending()
    if order == "cancelled before its turn":
        task.cancel()
        fair.release(work)
    else:
        fair.release(work)
        task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    await fair.acquire("c", 100)


async def test_work_that_waits_too_long_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    fair = FairQueue(1, 100)
    work = await fair.acquire("a")
    monkeypatch.setattr(fair_queue, "WAIT_TIMEOUT_SECONDS", 0.0)
    with pytest.raises(TooManyUploads):
        await fair.acquire("b")
    fair.release(work)
    await fair.acquire("c", 100)


async def test_new_identities_do_not_delay_work_forever() -> None:
    work = queue()
    await work.arrive("a1", "a2")
    arrivals = [chr(0x100 + number) for number in range(100)]
    await work.arrive(arrivals[0])
    await work.end("a1")
    for before, name in pairwise(arrivals):
        await work.arrive(name)
        await work.end("a2" if work.started[-1] == "a2" else before)
        if work.started[-1] == "a2":
            break
    assert work.started[-1] == "a2"
