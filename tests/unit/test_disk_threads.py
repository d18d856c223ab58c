"""A disk that hangs keeps no threads that others need, and no queue grows behind it."""

import asyncio
import threading

import pytest

from adapters.threads import DiskThreads
from tests.support.waiting import wait_until


async def test_while_all_threads_hang_calls_fail_at_once_and_are_never_made() -> None:
    disk, made = threading.Event(), list[int]()
    threads = DiskThreads("test", 2, 0.05)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await threads.call(disk.wait, 60)

    for number in range(3):
        with pytest.raises(TimeoutError):
            await threads.call(made.append, number)

    await threads.finish()  # it waits for no call that hangs
    assert made == []
    disk.set()


async def test_calls_are_made_again_when_the_disk_responds() -> None:
    disk, has_ended = threading.Event(), threading.Event()

    def hang() -> None:
        disk.wait(60)

    threads = DiskThreads("test", 1, 0.05)
    with pytest.raises(TimeoutError):
        await threads.call(hang)
    next(iter(threads._hanging)).add_done_callback(lambda _: has_ended.set())
    disk.set()
    assert has_ended.wait(60)
    threads._timeout_seconds = 60

    assert await threads.call(len, "abc") == 3
    with pytest.raises(ZeroDivisionError):
        await threads.call(divmod, 1, 0)


async def test_calls_that_have_begun_end_first_and_others_have_their_turn() -> None:
    disk, made = threading.Event(), list[int]()

    def write(number: int) -> None:
        disk.wait(60)
        made.append(number)

    threads = DiskThreads("test", 1, 60)
    calls = [asyncio.create_task(threads.call(write, number)) for number in range(3)]
    await wait_until(lambda: threads._running)
    calls[0].cancel()
    finishing = asyncio.create_task(threads.finish())
    await asyncio.sleep(0)
    assert not finishing.done()
    disk.set()
    await finishing
    assert made[:1] == [0]
    await asyncio.gather(*calls[1:])
    assert made == [0, 1, 2]
