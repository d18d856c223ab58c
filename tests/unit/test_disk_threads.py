"""A disk that hangs keeps no threads that others need, and no queue grows behind it."""

import threading

import pytest

from adapters.threads import DiskThreads


async def test_while_all_threads_hang_calls_fail_at_once_and_are_never_made() -> None:
    disk, made = threading.Event(), list[int]()
    threads = DiskThreads("test", 2, 0.05)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await threads.call(disk.wait, 60)

    for number in range(3):
        with pytest.raises(TimeoutError):
            await threads.call(made.append, number)

    disk.set()
    threads.shutdown()
    assert made == []


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
    threads.shutdown()
