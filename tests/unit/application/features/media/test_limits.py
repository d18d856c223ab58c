"""Uploads and decoded images are limited, and so are the calls of a media store."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Final

import pytest

from adapters.media.own_files import CALL_TIMEOUT, WRITE_TIMEOUT, LimitedFiles
from application.features.media.limits import (
    MAX_MEMORY_BYTES,
    MAX_SPOOLED_FILES,
    MAX_SPOOLED_FILES_PER_NETWORK,
    MAX_UPLOADS,
    MAX_UPLOADS_PER_NETWORK,
    DecodingLimiter,
    PixelAllowance,
    RunningUpload,
    UploadLimiter,
)
from application.features.media.ports import StoredFile
from application.ports.errors import MediaStorageUnavailable
from domain.features.media.errors import NoUploadSpace, TooManyPixels, TooManyUploads
from tests.support.fakes.clock import SecondsClock
from tests.support.fakes.images import temporary_files
from tests.support.waiting import wait_until

IP: Final = "203.0.113.7"
MIB: Final = MAX_MEMORY_BYTES


class Uploads:
    """Uploads of a limiter in a folder with some free space, and a clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.space: int | None = None
        self.files = temporary_files()
        self.files.free_bytes = self._free_bytes  # type: ignore[method-assign]
        self.limiter = UploadLimiter(self.files, lambda: self.seconds)
        self.running: dict[str, RunningUpload] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving = asyncio.Event()

    async def _free_bytes(self, _: BinaryIO) -> int | None:
        if self.space is None:
            return None
        running = self.running.values()
        return self.space - sum(
            one.written_bytes for one in running if one.file and not one.file.closed
        )

    async def begin(self, name: str, ip: str = IP, *, user: str = "", size: int = 20 * MIB) -> None:
        """Begin an upload that sends nothing; raise its error if it is not admitted."""
        begun = asyncio.Event()

        async def upload() -> None:
            async with self.limiter.admit(user or name, ip, size) as running, running.receive():
                self.running[name] = running
                begun.set()
                await self._leaving.wait()

        self.tasks[name] = task = asyncio.create_task(upload())
        await asyncio.wait(
            {task, asyncio.create_task(begun.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        if task.done():
            del self.tasks[name]
            begun.set()
            task.result()

    async def send(self, name: str, size: int) -> None:
        await self.running[name].append(bytes(size))

    async def ended(self) -> set[str]:
        """Return those that were ended for others."""
        await asyncio.sleep(0.01)  # their tasks are told in the next round of the event loop
        done = {name for name, task in self.tasks.items() if task.done()}
        for name in done:
            assert isinstance(self.tasks[name].exception(), TooManyUploads)
        return done

    async def leave(self) -> None:
        self._leaving.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@asynccontextmanager
async def uploads() -> AsyncIterator[Uploads]:
    opened = Uploads()
    try:
        yield opened
    finally:
        await opened.leave()


async def test_a_user_has_two_uploads_and_a_slow_one_ends_for_the_next() -> None:
    async with uploads() as held:
        await held.begin("first", user="a")
        await held.begin("second", user="a")
        held.seconds = 4.9
        with pytest.raises(TooManyUploads):
            await held.begin("third", user="a")
        # A phone that lost its connection tries again: the older upload gets no more bytes.
        await held.send("first", MIB)
        held.seconds = 5
        await held.begin("other", user="b")
        await held.begin("third", user="a")
        assert await held.ended() == {"second"}


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ("203.0.113.{}", "203.0.112.7"),
        ("2001:db8:1:{}::/64", "2001:db8:2:1::/64"),
    ],
)
async def test_a_network_has_half_of_the_uploads(near: str, far: str) -> None:
    async with uploads() as held:
        for number in range(MAX_UPLOADS_PER_NETWORK):
            await held.begin(f"near {number}", near.format(number))
        with pytest.raises(TooManyUploads):
            await held.begin("near", near.format(99))
        await held.begin("far", far)
        # Others do not end for it: that would make no place in its network.
        held.seconds = 10
        for number in range(MAX_UPLOADS_PER_NETWORK):
            await held.send(f"near {number}", MIB - number)
        with pytest.raises(TooManyUploads):
            await held.begin("near", near.format(99))
        held.seconds = (MIB - 4) / 32_000 + 0.0001
        await held.begin("near", near.format(99))
        assert await held.ended() == {f"near {MAX_UPLOADS_PER_NETWORK - 1}"}


async def test_a_network_has_half_of_the_uploads_that_outgrow_the_memory() -> None:
    async with uploads() as held:
        for number in range(MAX_SPOOLED_FILES_PER_NETWORK + 1):
            await held.begin(f"near {number}", f"203.0.113.{number}")
        names = [*held.running]
        for name in names[:-1]:
            await held.send(name, 2 * MIB)
        with pytest.raises(TooManyUploads):
            await held.send(names[-1], 2 * MIB)
        await held.begin("far", "203.0.112.7")
        await held.send("far", 2 * MIB)
        # A slow one of the network makes room, and no other.
        held.seconds = 3 * MIB / 32_000
        for name in ("far", *names[1:-1]):
            await held.send(name, MIB + 1)
        await held.begin("next", "203.0.113.99")
        await held.send("next", 2 * MIB)
        assert await held.ended() == {names[0]}


async def test_a_process_has_so_many_uploads_that_outgrow_the_memory() -> None:
    async with uploads() as held:
        for number in range(MAX_SPOOLED_FILES):
            await held.begin(f"{number}", f"203.0.{number}.7")
            await held.send(f"{number}", 2 * MIB)
        await held.begin("new")
        with pytest.raises(TooManyUploads):
            await held.send("new", 2 * MIB)


async def test_a_process_has_so_many_uploads_and_the_slowest_one_ends() -> None:
    async with uploads() as held:
        for ip in ("192.0.2.1", "198.51.100.1"):
            for number in range(MAX_UPLOADS // 2):
                await held.begin(f"{ip} {number}", ip)
        with pytest.raises(TooManyUploads):
            await held.begin("new")
        held.seconds = 100
        for name in held.running.keys() - {"192.0.2.1 7"}:
            await held.send(name, 1000)
        await held.begin("new")
        assert await held.ended() == {"192.0.2.1 7"}


async def test_an_upload_outgrows_the_memory_if_there_is_space_for_its_announced_size() -> None:
    async with uploads() as held:
        held.space = 30 * MIB
        await held.begin("first", size=20 * MIB)
        await held.send("first", 5 * MIB)  # it may still write 15 MiB
        await held.begin("large", size=10 * MIB + 1)
        with pytest.raises(NoUploadSpace):
            await held.send("large", 2 * MIB)
        # One that fails has no claim, and one that stays in memory needs none.
        await held.begin("small", size=10 * MIB)
        await held.send("small", 2 * MIB)
        await held.begin("in memory")
        await held.send("in memory", MIB)


async def test_a_file_that_hangs_keeps_its_claim_until_it_is_closed() -> None:
    async with uploads() as held:
        held.space = 10 * MIB
        await held.begin("hung", size=10 * MIB)
        await held.send("hung", 2 * MIB)
        file = held.running["hung"].file
        assert file is not None
        # As long as a thread works with it, closing it closes nothing.
        with file._use():  # type: ignore[attr-defined]
            held.tasks["hung"].cancel()
            await asyncio.wait([held.tasks.pop("hung")])
            await held.begin("next", size=5 * MIB)
            with pytest.raises(NoUploadSpace):
                await held.send("next", 2 * MIB)
            # Its user has the place back.
            await held.begin("one", user="hung")
            await held.begin("two", user="hung")
        await wait_until(lambda: file.closed)
        await held.send("next", MIB)


async def test_an_upload_whose_rest_arrives_when_it_is_ended_is_ended() -> None:
    async with uploads() as held, held.limiter.admit("a", IP, MIB) as upload:
        with pytest.raises(TooManyUploads):
            async with upload.receive():
                upload.end()


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


async def test_an_image_waits_so_long_and_in_a_job_as_long_as_it_takes() -> None:
    for timeout in (0.01, None):
        limiter = DecodingLimiter(1, 100, timeout)
        async with limiter.admit():
            waiting = asyncio.create_task(limiter.admit().__aenter__())
            await asyncio.wait([waiting], timeout=0.05)
            assert waiting.done() is (timeout is not None)
        if timeout is None:
            await waiting
        else:
            assert isinstance(waiting.exception(), TooManyUploads)


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


def test_never_more_than_the_allowance_of_pixels_in_any_hour() -> None:
    clock = SecondsClock(1_000_000.5)
    allowance = PixelAllowance(100, clock)
    published: list[float] = []
    for _ in range(2000):
        clock.seconds += 7
        try:
            allowance.acquire("a", 10)
        except TooManyPixels:
            continue
        published = [at for at in [*published, clock.seconds] if at > clock.seconds - 3600]
        assert 10 * len(published) <= 100
    assert len(published) == 10


class HangingFiles:
    """An operator's own media store, which hangs in each call and after the first chunk."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        if name == "check":
            raise AttributeError(name)

        async def hang(*_: object) -> None:
            await asyncio.sleep(100 * WRITE_TIMEOUT)  # on the clock of the test

        return hang

    @asynccontextmanager
    async def open_file(self, *_: object) -> AsyncIterator[StoredFile]:
        yield StoredFile(2, self._read())

    async def _read(self) -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(100 * WRITE_TIMEOUT)  # on the clock of the test


async def read(files: LimitedFiles) -> None:
    async with files.open_file("a") as file:
        assert file is not None
        assert [chunk async for chunk in file.chunks] == [b"a"]


@pytest.mark.parametrize(
    ("call", "seconds"),
    [
        (lambda files: files.write("a", io.BytesIO(), "image/jpeg"), WRITE_TIMEOUT),
        (lambda files: files.get_size("a"), CALL_TIMEOUT),
        (lambda files: files.delete("a"), CALL_TIMEOUT),
        (read, CALL_TIMEOUT),
    ],
)
async def test_a_call_of_a_media_store_that_hangs_ends(
    call: Callable[[Any], Awaitable[object]], seconds: float
) -> None:
    files: Any = HangingFiles()
    began_at = asyncio.get_running_loop().time()
    with pytest.raises(MediaStorageUnavailable, match=f"no answer within {seconds:g} seconds"):
        await call(LimitedFiles(files))

    assert asyncio.get_running_loop().time() - began_at == pytest.approx(seconds)
