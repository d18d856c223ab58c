"""Uploads are admitted while there is room for them, and those that hold it too long end first."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import Any, Final

import pytest

from application.features.media.limits import MAX_MEMORY_BYTES, RunningUpload, UploadLimiter
from domain.features.media.errors import NoUploadSpace, TooManyUploads
from entrypoints.http.features.media.library.uploads import FileLocks

IP: Final = "203.0.113.7"
OTHER_IP: Final = "192.0.2.1"
SPACE: Final = 100 * MAX_MEMORY_BYTES


class Uploads:
    """Uploads of a limiter, and a clock."""

    def __init__(
        self, max_uploads: int = 9, free: Callable[[], int | None] = lambda: None, **options: Any
    ) -> None:
        self.seconds = 0.0
        self.tasks: dict[str, asyncio.Task[None]] = {}
        options |= {"free_bytes": free, "now": lambda: self.seconds}
        self.limiter = UploadLimiter(max_uploads, SPACE, FileLocks(None), **options)

    async def begin(self, user: str, megabytes: int, client_ip: str = IP) -> None:
        """Begin an upload, send these bytes, and then nothing; the key of its task is the user."""
        begun = asyncio.Event()

        async def upload() -> None:
            try:
                async with self.limiter.admit(user, client_ip) as one, one.receive():
                    await one.add(megabytes * MAX_MEMORY_BYTES)
                    begun.set()
                    await asyncio.Event().wait()
            finally:
                begun.set()

        name = user if user not in self.tasks else f"{user}2"
        self.tasks[name] = asyncio.create_task(upload())
        await begun.wait()
        await asyncio.sleep(0)

    def ended(self) -> set[str]:
        """Return those that got an error."""
        done = {name: task for name, task in self.tasks.items() if task.done()}
        for task in done.values():
            assert isinstance(task.exception(), NoUploadSpace | TooManyUploads)
        return {*done}


@asynccontextmanager
async def uploads(**options: Any) -> AsyncIterator[Uploads]:
    """Open a limiter, and end its uploads at last."""
    opened = Uploads(**options)
    try:
        yield opened
    finally:
        for task in opened.tasks.values():
            task.cancel()
        await asyncio.gather(*opened.tasks.values(), return_exceptions=True)


async def test_one_user_has_two_uploads_at_a_time_and_all_users_a_number() -> None:
    async with uploads(max_uploads=3) as held:
        for user in "aab":
            await held.begin(user, 0)
        with pytest.raises(TooManyUploads):
            async with held.limiter.admit("a", IP):
                pass
        task = held.tasks.pop("a")
        task.cancel()
        await asyncio.wait([task])
        await held.begin("c", 0)
        # The only upload of each user is kept, and the newest is rejected.
        await held.begin("d", 0)
        assert held.ended() == {"d"}
        # A slow one ends for it.
        held.seconds += 10
        await held.begin("e", 0)
        assert len(held.ended()) == 2


# The user, the megabytes, the IP, and the seconds that pass before the upload begins.
Held = tuple[str, int, str, int]
FAST: Final[Held] = ("fast", 60, "198.51.100.1", 0)


@pytest.mark.parametrize(
    ("held", "ended"),
    [
        # Below the minimum rate of 1 MB/s after five seconds: the slowest first, as many as needed.
        ([("slow", 3, IP, 0), ("slower", 2, IP, 0), FAST, ("new", 36, IP, 10)], {"slower"}),
        ([("slow", 2, IP, 0), ("slower", 2, IP, 0), FAST, ("new", 40, IP, 10)], {"slow", "slower"}),
        # Before, nobody is slow, and the newest is rejected.
        ([("slow", 2, IP, 0), FAST, ("new", 40, IP, 4)], {"new"}),
        # The only upload of a user that keeps the rate is kept, also if its network holds more.
        ([("one", 50, IP, 0), ("two", 30, IP, 1), ("new", 30, "198.51.100.1", 1)], {"new"}),
        # Of users with two uploads: the network, then the user with the most byte-seconds, and
        # then the slower of both.
        (
            [
                ("a", 20, "198.51.100.1", 0), ("a", 10, "198.51.100.2", 0), ("b", 15, IP, 0),
                ("b", 16, "203.0.113.9", 0), ("c", 39, "203.0.113.8", 0), ("new", 10, OTHER_IP, 2),
            ],
            {"b"},
        ),
        (
            [
                ("a", 20, "2001:db8:1:1::/64", 0), ("a", 10, "2001:db8:1:2::/64", 0),
                *[("b", 14, "2001:db8:2:1::/64", 0)] * 2, ("new", 50, IP, 2),
            ],
            {"a2"},
        ),
    ],
)  # fmt: skip
async def test_when_the_space_is_used_up_uploads_end_in_a_fair_order(
    held: list[Held], ended: set[str]
) -> None:
    async with uploads(min_rate=MAX_MEMORY_BYTES) as begun:
        for user, megabytes, client_ip, pause in held:
            begun.seconds += pause
            await begun.begin(user, megabytes, client_ip)
        assert begun.ended() == ended


async def test_an_upload_that_keeps_the_rate_is_not_ended_for_an_older_one() -> None:
    async with uploads(min_rate=MAX_MEMORY_BYTES) as held, held.limiter.admit("a", IP) as upload:
        await upload.add(60 * MAX_MEMORY_BYTES)
        held.seconds += 1
        await held.begin("newer", 40)
        with pytest.raises(NoUploadSpace):
            await upload.add(MAX_MEMORY_BYTES)
        assert held.ended() == set()


async def test_an_upload_that_was_received_is_not_ended_and_its_space_stays() -> None:
    async with uploads(min_rate=MAX_MEMORY_BYTES) as held, held.limiter.admit("a", IP) as upload:
        async with upload.receive():
            await upload.add(60 * MAX_MEMORY_BYTES)
        held.seconds += 1000
        await held.begin("new", 50)
        assert held.ended() == {"new"}
        await held.begin("small", 30)
        assert held.ended() == {"new"}


async def test_the_space_of_the_disk_counts() -> None:
    free = [60 * MAX_MEMORY_BYTES]

    async def write(upload: RunningUpload, size: int) -> None:
        await upload.add(size * MAX_MEMORY_BYTES)
        upload.written_bytes += size * MAX_MEMORY_BYTES
        free[0] -= size * MAX_MEMORY_BYTES

    async with AsyncExitStack() as stack, uploads(free=lambda: free[0]) as held:
        upload = await stack.enter_async_context(held.limiter.admit("a", IP))
        with pytest.raises(NoUploadSpace):
            upload.announce(61 * MAX_MEMORY_BYTES)
        upload.announce(60 * MAX_MEMORY_BYTES)
        await write(upload, 40)
        other = await stack.enter_async_context(held.limiter.admit("b", IP))
        await write(other, 20)
        with pytest.raises(NoUploadSpace):
            await other.add(1)


def hold_locks(locks: FileLocks, connection: Connection) -> None:
    for user in ("a", "b"):
        locks.acquire(user)
    connection.send("held")
    connection.poll(None)


def test_the_uploads_of_one_user_in_another_process_count() -> None:
    locks, (ours, theirs) = FileLocks(os.memfd_create("upload locks")), Pipe()
    other = get_context("fork").Process(target=hold_locks, args=(locks, theirs))
    other.start()
    assert ours.recv() == "held"
    locks.acquire("a")
    with pytest.raises(TooManyUploads):
        locks.acquire("a")
    for _ in range(2):
        locks.acquire("c")
    other.kill()
    other.join()
    # The process that was killed has no uploads any more.
    locks.acquire("a")
