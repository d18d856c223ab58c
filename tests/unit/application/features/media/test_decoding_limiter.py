"""A few images with a limited number of pixels are decoded at a time, in their order."""

import asyncio

import pytest

from application.features.media import limits
from application.features.media.limits import DecodingLimiter
from domain.features.media.errors import TooManyUploads


class Decoding:
    """Images in work, named by the test."""

    def __init__(self, limiter: DecodingLimiter) -> None:
        self._limiter = limiter
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.started: list[str] = []

    async def arrive(self, *names: str, pixels: int = 0) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._decode(name, pixels))
            await _run_pending()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            await _run_pending()

    async def _decode(self, name: str, pixels: int) -> None:
        async with self._limiter.admit(pixels):
            self.started.append(name)
            await self._ends[name].wait()


async def _run_pending() -> None:
    for _ in range(9):
        await asyncio.sleep(0)


async def test_so_many_images_and_pixels_are_in_work() -> None:
    work = Decoding(DecodingLimiter(3, 100))
    await work.arrive("a", "b", pixels=50)
    await work.arrive("c", pixels=60)
    assert work.started == ["a", "b"]
    await work.end("a")
    assert work.started == ["a", "b"]
    await work.end("b")
    await work.arrive("d", "e", "f")
    assert work.started == ["a", "b", "c", "d", "e"]
    await work.end("e", "d", "c", "f")
    assert work.started[-1] == "f"


async def test_small_images_do_not_keep_a_large_one_waiting() -> None:
    work = Decoding(DecodingLimiter(9, 100))
    await work.arrive("a", pixels=20)
    # With more pixels than the limit, it is decoded alone.
    await work.arrive("large", pixels=1000)
    await work.arrive("b", "c", pixels=20)
    assert work.started == ["a"]
    await work.end("a")
    assert work.started == ["a", "large"]
    await work.end("large")
    assert work.started == ["a", "large", "b", "c"]
    await work.end("b", "c")


@pytest.mark.parametrize("order", ["cancelled before its turn", "cancelled with its turn"])
async def test_an_image_that_is_cancelled_keeps_nobody_waiting(order: str) -> None:
    work = Decoding(DecodingLimiter(1, 100))
    await work.arrive("a", "b", "c", pixels=100)
    if order == "cancelled with its turn":
        work._ends["a"].set()
        await asyncio.sleep(0)
        assert work.tasks["a"].done()
    work.tasks["b"].cancel()
    await work.end("a")
    assert work.tasks["b"].cancelled()
    assert work.started[-1] == "c"
    await work.end("c")


async def test_an_image_that_waits_too_long_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Decoding(DecodingLimiter(1, 100))
    await work.arrive("a")
    monkeypatch.setattr(limits, "DECODING_TIMEOUT_SECONDS", 0.0)
    for name in ("b", "c"):
        await work.arrive(name)
        with pytest.raises(TooManyUploads):
            await work.tasks[name]
    monkeypatch.undo()
    await work.end("a")
    await work.arrive("d", pixels=100)
    assert work.started == ["a", "d"]
    await work.end("d")
