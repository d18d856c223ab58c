"""A disk that hangs keeps no threads that others need, and no queue grows behind it."""

import asyncio
import threading

import pytest

from adapters.shared.threads import DiskThreads
from tests.support.waiting import wait_until


async def test_while_all_threads_hang_calls_fail_at_once_and_are_never_made() -> None:
    disk, made = threading.Event(), list[int]()
    threads = DiskThreads("test", 2, 0.05)
    # Its caller does not wait for the time limit.
    call = asyncio.create_task(threads.call(disk.wait, 60))
    await wait_until(lambda: threads._running)
    call.cancel()
    with pytest.raises(TimeoutError):
        await threads.call(disk.wait, 60)

    threads._timeout_seconds = 3600
    for number in range(3):
        with pytest.raises(TimeoutError):
            await threads.call(made.append, number)

    await threads.finish()  # it waits for no call that hangs
    assert made == []
    disk.set()


async def test_calls_that_have_begun_end_first() -> None:
    disk, made = threading.Event(), list[int]()

    def write() -> None:
        disk.wait(60)
        made.append(0)

    threads = DiskThreads("test", 1, 60)
    call = asyncio.create_task(threads.call(write))
    await wait_until(lambda: threads._running)
    call.cancel()
    finishing = asyncio.create_task(threads.finish())
    await asyncio.sleep(0)
    assert not finishing.done()
    disk.set()
    await finishing
    assert made == [0]
