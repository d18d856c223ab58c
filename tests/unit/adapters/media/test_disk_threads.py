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


async def test_calls_are_made_again_when_the_disk_responds() -> None:
    disk = threading.Event()
    threads = DiskThreads("test", 1, 0.05)
    with pytest.raises(TimeoutError):
        await threads.call(disk.wait, 60)
    disk.set()
    await wait_until(lambda: not threads._running)
    threads._timeout_seconds = 60

    assert await threads.call(len, "abc") == 3
    with pytest.raises(ZeroDivisionError):
        await threads.call(divmod, 1, 0)


async def test_a_call_has_its_turn_when_the_one_before_has_ended() -> None:
    disk, made = threading.Event(), list[int]()

    def write(number: int) -> None:
        disk.wait(60)
        made.append(number)

    threads = DiskThreads("test", 1, 60)
    calls = [asyncio.create_task(threads.call(write, number)) for number in range(3)]
    await wait_until(lambda: threads._running)
    calls[0].cancel()
    disk.set()
    await asyncio.gather(*calls[1:])
    assert made == [0, 1, 2]


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


async def test_a_thread_that_cannot_be_started_is_started_for_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    threads = DiskThreads("test", 1, 60)
    with monkeypatch.context() as patch:
        patch.setattr("adapters.shared.threads.start_thread", fail)
        with pytest.raises(RuntimeError):
            await threads.call(len, "abc")

    assert await threads.call(len, "abc") == 3


async def test_threads_end_when_no_call_can_be_made_any_more() -> None:
    threads = DiskThreads("dropped", 2, 60)
    await asyncio.gather(*(threads.call(len, "abc") for _ in range(2)))
    assert count_threads("dropped") == 2

    del threads
    await wait_until(lambda: count_threads("dropped") == 0)


def count_threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())
