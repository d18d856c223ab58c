"""What an adapter must not do while it is open, and not leave behind when it is closed."""

import asyncio
import os
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

MAX_PAUSE: Final = 0.3
"""Seconds for which one call may keep the event loop from all others."""
CLOSING_TIME: Final = 1.0
"""Seconds in which everything has to be closed after the end of the block."""
_SLICE: Final = 0.01
_SHARED_THREADS: Final = ("asyncio_", "ThreadPoolExecutor-")
"""The event loop ends those of `asyncio.to_thread`. Motor has a pool for the whole process."""
_LOG_THREAD: Final = "log"
_OPEN_DESCRIPTORS: Final = Path("/proc/self/fd")
_SHOWN_CALLS: Final = 4


@contextmanager
def watch_loop() -> Iterator[list[str]]:
    """Notice when the running event loop does not run other tasks for `MAX_PAUSE`.

    Yields a list to which each pause adds the last calls, so that the line that blocks is there.
    """
    pauses: list[str] = []
    is_stopped = threading.Event()
    arguments = asyncio.get_running_loop(), threading.get_ident(), is_stopped, pauses
    thread = threading.Thread(target=_watch, args=arguments, name="loop watch", daemon=True)
    thread.start()
    try:
        yield pauses
    finally:
        is_stopped.set()
        thread.join()


def _watch(
    loop: asyncio.AbstractEventLoop,
    loop_thread: int,
    is_stopped: threading.Event,
    pauses: list[str],
) -> None:
    while not is_stopped.wait(_SLICE):
        response = threading.Event()
        loop.call_soon_threadsafe(response.set)
        # Slices are counted, because the machine may have stopped this thread too. Each is longer
        # than it should be, so a tenth of them may be missing.
        slices = 0
        while not response.wait(_SLICE) and not is_stopped.is_set():
            slices = slices + 1 if loop.is_running() else 0
            if slices == round(0.9 * MAX_PAUSE / _SLICE):
                pauses.append(_describe_calls(sys._current_frames()[loop_thread]))


def _describe_calls(frame: FrameType) -> str:
    calls = traceback.extract_stack(frame)[-_SHOWN_CALLS:]
    return ", ".join(f"{call.filename}:{call.lineno} in {call.name}" for call in calls)


@dataclass(frozen=True, slots=True)
class OpenThings:
    """The tasks, threads, and descriptors of files and sockets of this process."""

    tasks: frozenset[asyncio.Task[object]]
    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]

    def describe_new(self, before: "OpenThings") -> list[str]:
        """Return in words what was not open before."""
        return sorted(
            [
                *(_describe_descriptor(*it) for it in self.descriptors - before.descriptors),
                *(f"the task {task.get_coro()!r}" for task in self.tasks - before.tasks),
                *(f"the thread {thread.name!r}" for thread in self.threads - before.threads),
            ]
        )


def list_open() -> OpenThings:
    """Return what is open now, apart from the running task and shared threads."""
    return OpenThings(
        frozenset(asyncio.all_tasks() - {asyncio.current_task()}),
        frozenset(
            thread
            for thread in threading.enumerate()
            if not thread.name.startswith(_SHARED_THREADS) and thread.name != _LOG_THREAD
        ),
        frozenset(_list_descriptors()),
    )


def _list_descriptors() -> list[tuple[int, str]]:
    """Return the descriptors of files and sockets, each with where it leads."""
    found = []
    for descriptor in _OPEN_DESCRIPTORS.iterdir():
        with suppress(FileNotFoundError):  # that of this list itself
            target = str(descriptor.readlink())
            is_file = target.startswith("/") and not target.startswith(("/dev/", "/proc/"))
            if is_file or target.startswith("socket:"):
                found.append((int(descriptor.name), target))
    return found


def _describe_descriptor(descriptor: int, target: str) -> str:
    if not target.startswith("socket:"):
        return f"the file {target}"
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return f"a connection to {copy.getpeername()}"
    except OSError:
        return "a socket without a connection"


async def find_left_open(before: OpenThings) -> list[str]:
    """Return in words what was opened since and is still open after `CLOSING_TIME`."""
    left: list[str] = []
    for _ in range(round(CLOSING_TIME / _SLICE)):
        left = list_open().describe_new(before)
        if not left:
            break
        await asyncio.sleep(_SLICE)  # connections close in the next iterations of the loop
    return left
