"""Where the kernel runs the threads of a worker, and which of them interrupt others.

The event loop and the server's thread that hands it requests pass the interpreter's lock to each
other thousands of times a second. Between two processors, each time one wakes the other, and the
memory that both use moves from cache to cache. So they are bound to one processor.

If there are as many workers as processors, the threads of the network use that processor too. Each
event of a connection would stop the event loop for a moment, and what it has in the caches would
be lost. So these threads run when the event loop waits, or when it has had its share of the time.
"""

import asyncio
import os
import threading
import time
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Final, NamedTuple

from entrypoints.server.background_task import run_in_background

_INTERVAL_SECONDS: Final = 0.1
_IDLE: Final = 0.02
"""The part of the time in which the event loop runs, up to which nothing changes."""
_BUSY: Final = 0.3
"""The part of the time in which the event loop runs, from which on the threads are bound."""
_CROWDED: Final = 0.4
"""The part of the time in which it waits for others, from which on they are free again."""
_MIN_PAUSE: Final = 3
_MAX_PAUSE: Final = 60
"""Intervals for which they are free then: twice as many as the last time, if that was lately."""
_NANOSECONDS: Final = 1_000_000_000
_THREADS: Final = "/proc/self/task"
_MAX_FILE_SIZE: Final = 4096
_PROCESSOR: Final = 36
"""The field of `stat`, after the name, that says where a thread ran last (proc_pid_stat(5))."""
_NETWORK_THREAD: Final = b"tokio-rt-worker"
_PYTHON_THREADS: Final = ("MainThread", "sqlite-", "log")


def run_scheduling_task(workers: int) -> AbstractAsyncContextManager[None]:
    """Schedule the threads of this worker, one of so many, until the end of the block.

    Does nothing without Linux.
    """
    if not hasattr(os, "sched_setaffinity"):
        return nullcontext()
    allowed = frozenset(os.sched_getaffinity(0))
    return run_in_background(
        _run(ThreadScheduling(allowed, shares_processors=workers >= len(allowed)))
    )


async def _run(scheduling: "ThreadScheduling") -> None:
    loop = asyncio.get_running_loop()
    updated, ran = loop.time(), time.thread_time()
    while True:
        await asyncio.sleep(_INTERVAL_SECONDS)
        # An idle service need not look at all threads.
        if time.thread_time() - ran > _IDLE * _INTERVAL_SECONDS:
            now = loop.time()
            with suppress(OSError):
                scheduling.update(now - updated)
            updated = now
        ran = time.thread_time()


class _Times(NamedTuple):
    """Nanoseconds for which a thread has run, and has waited for a processor."""

    ran: int
    waited: int


class _Thread(NamedTuple):
    """How a thread is scheduled."""

    is_bound: bool
    """Whether it uses the processor of the event loop, once that is busy."""
    interrupts: bool = True
    """Whether it may stop the event loop as soon as it has something to do."""


class ThreadScheduling:
    """Binds threads to the processor of the event loop, once that is busy.

    - Where the event loop then waits for others that use this processor, all threads are free for
      a while: the kernel finds another one. The more often that happens, the longer.
    - Threads that work beside the event loop are always free: those of images and of files, and
      those of the network, unless each processor has a worker.
    - If each has one, the threads of the server do not interrupt the event loop (`SCHED_BATCH`,
      sched(7)). SQLite's threads do: they hold the database's lock while they write.
    """

    def __init__(self, allowed: frozenset[int], *, shares_processors: bool = False) -> None:
        """Change nothing yet.

        Args:
            allowed: The processors that this process may use.
            shares_processors: Whether the event loop shares a processor with the threads of the
                network, because there is none for them.
        """
        self._allowed = allowed
        self._shares_processors = shares_processors
        self._loop_thread = os.getpid()  # the main thread
        self._times: dict[int, _Times] = {}
        self._applied: dict[int, tuple[frozenset[int], bool]] = {}
        self._processor: int | None = None
        self._free_intervals = 0
        self._pause = _MIN_PAUSE

    def update(self, seconds: float) -> None:
        """Schedule the threads by what they did in these seconds, since the last update.

        Raises:
            OSError: `/proc` does not have the times of threads.
        """
        threads = _list_threads(shares_processors=self._shares_processors)
        before, self._times = self._times, _read_times(threads)
        self._choose_processor(_subtract(self._times, before), seconds * _NANOSECONDS)
        bound = self._allowed if self._processor is None else frozenset([self._processor])
        # A new thread has the processors and the policy of the one that started it.
        applied = {
            number: (bound if thread.is_bound else self._allowed, thread.interrupts)
            for number, thread in threads.items()
        }
        if applied != self._applied:
            self._applied = applied
            for number, (processors, interrupts) in applied.items():
                with suppress(OSError):  # it may have ended
                    os.sched_setaffinity(number, processors)
                    # Another policy is the choice of whoever started this process.
                    if not interrupts and os.sched_getscheduler(number) == os.SCHED_OTHER:
                        os.sched_setscheduler(number, os.SCHED_BATCH, os.sched_param(0))

    def _choose_processor(self, times: dict[int, _Times], interval: float) -> None:
        loop = times.pop(self._loop_thread, None)
        if loop is None:
            return
        if self._free_intervals:
            self._free_intervals -= 1
        elif self._processor is None:
            if loop.ran > _BUSY * interval:
                self._processor = _read_processor(self._loop_thread)
        elif loop.waited - sum(other.ran for other in times.values()) > _CROWDED * interval:
            self._processor = None
            self._free_intervals = self._pause
            self._pause = min(2 * self._pause, _MAX_PAUSE)
        else:
            self._pause = max(_MIN_PAUSE, self._pause - 1)


def _list_threads(*, shares_processors: bool) -> dict[int, _Thread]:
    """Return the threads of this process by their number."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    threads = {}
    for number in map(int, os.listdir(_THREADS)):  # noqa: PTH208 - see `_read`
        with suppress(OSError):  # it may have ended
            if number in names:
                threads[number] = _Thread(names[number].startswith(_PYTHON_THREADS))
            else:
                is_network = _read(number, "comm").strip() == _NETWORK_THREAD
                threads[number] = _Thread(
                    shares_processors or not is_network, interrupts=not shares_processors
                )
    return threads


def _read_times(threads: dict[int, _Thread]) -> dict[int, _Times]:
    times = {}
    for number, thread in threads.items():
        if thread.is_bound:
            ran, waited, _ = _read(number, "schedstat").split()
            times[number] = _Times(int(ran), int(waited))
    return times


def _subtract(times: dict[int, _Times], before: dict[int, _Times]) -> dict[int, _Times]:
    return {
        thread: _Times(ran - before[thread].ran, waited - before[thread].waited)
        for thread, (ran, waited) in times.items()
        if thread in before
    }


def _read_processor(thread: int) -> int:
    fields = _read(thread, "stat").rpartition(b")")[2].split()
    return int(fields[_PROCESSOR])


def _read(thread: int, name: str) -> bytes:
    # The event loop waits for twenty of these: a `Path` would take three times as long.
    file = os.open(f"{_THREADS}/{thread}/{name}", os.O_RDONLY)
    try:
        return os.read(file, _MAX_FILE_SIZE)
    finally:
        os.close(file)
