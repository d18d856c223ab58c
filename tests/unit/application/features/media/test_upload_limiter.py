"""Uploads are admitted while there is a place for them, and slow ones end for others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import BinaryIO, Final

import pytest

from application.features.media.limits import (
    MAX_MEMORY_BYTES,
    MAX_SPOOLED_FILES,
    MAX_UPLOADS,
    MAX_UPLOADS_PER_NETWORK,
    RunningUpload,
    UploadLimiter,
)
from domain.features.media.errors import NoUploadSpace, TooManyUploads
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

    async def begin_many(self, count: int, ip: str) -> None:
        for number in range(count):
            await self.begin(f"{ip} {number}", ip)

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


async def test_a_process_has_so_many_uploads_and_the_slowest_one_ends() -> None:
    async with uploads() as held:
        for ip in ("192.0.2.1", "198.51.100.1"):
            await held.begin_many(MAX_UPLOADS // 2, ip)
        with pytest.raises(TooManyUploads):
            await held.begin("new")
        held.seconds = 100
        for name in held.running.keys() - {"192.0.2.1 7"}:
            await held.send(name, 1000)
        await held.begin("new")
        assert await held.ended() == {"192.0.2.1 7"}


async def test_an_upload_that_was_received_is_not_ended() -> None:
    async with uploads() as held, held.limiter.admit("a", IP, MIB) as received:
        async with received.receive():
            pass
        await held.begin("second", user="a")
        await held.send("second", MIB)
        held.seconds = 10
        with pytest.raises(TooManyUploads):
            await held.begin("third", user="a")


async def test_some_uploads_outgrow_the_memory() -> None:
    async with uploads() as held:
        for number in range(MAX_SPOOLED_FILES + 1):
            await held.begin(f"{number}")
            await held.send(f"{number}", MIB)
        for number in range(MAX_SPOOLED_FILES):
            await held.send(f"{number}", 1)
        last = f"{MAX_SPOOLED_FILES}"
        with pytest.raises(TooManyUploads):
            await held.send(last, 1)
        held.seconds = 40
        for number in range(1, MAX_SPOOLED_FILES):
            await held.send(f"{number}", MIB)
        # The place is free when the file of the slow one is closed.
        await held.send(last, 1)
        assert await held.ended() == {"0"}


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


async def test_the_slowest_upload_that_makes_room_ends_for_the_space() -> None:
    async with uploads() as held:
        held.space = 36 * MIB
        for name, size in (("small", 2), ("slow", 16), ("slower", 16), ("fast", 2)):
            await held.begin(name, size=size * MIB)
            await held.send(name, MIB + (name == "slow") + 1)
        await held.send("fast", MIB)
        held.seconds = 40
        await held.begin("new", size=16 * MIB)
        await held.send("new", 2 * MIB)
        assert await held.ended() == {"slower"}
        # Nobody ends if that makes no room.
        await held.begin("larger", size=17 * MIB)
        with pytest.raises(NoUploadSpace):
            await held.send("larger", 2 * MIB)
        assert await held.ended() == {"slower"}


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


async def test_bytes_come_back_whether_in_memory_or_in_a_file() -> None:
    async with uploads() as held:
        for size in (0, 1, MIB, MIB + 1, 3 * MIB):
            content = bytes(range(256)) * (size // 256) + bytes(size % 256)
            async with held.limiter.admit("a", IP, size) as upload:
                async with upload.receive():
                    stream = BytesIO(content)
                    while block := stream.read(65_000):
                        await upload.append(block)
                file = await upload.finish()
                assert file.read() == content
            assert file.closed
