"""What an adapter leaves open when it is closed."""

import asyncio
import threading
from collections.abc import Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

CLOSING_SECONDS: Final = 1.0
"""In these everything has to be closed after the end of the block."""
_POLL: Final = 0.01
_SHARED_THREADS: Final = ("asyncio_", "ThreadPoolExecutor-", "log")
"""The event loop ends those of `asyncio.to_thread`. Motor has a pool for the whole process."""
_OPEN_DESCRIPTORS: Final = Path("/proc/self/fd")


def list_open() -> Mapping[Hashable, str]:
    """Return the tasks, threads, files and sockets that are open now, each in words.

    The running task and shared threads are left out.
    """
    found: dict[Hashable, str] = {
        task: f"the task {task.get_coro()!r}"
        for task in asyncio.all_tasks() - {asyncio.current_task()}
    }
    for thread in threading.enumerate():
        if not thread.name.startswith(_SHARED_THREADS):
            found[thread] = f"the thread {thread.name!r}"
    for descriptor in _OPEN_DESCRIPTORS.iterdir():
        with suppress(FileNotFoundError):  # that of this list itself
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                found[descriptor.name, target] = "a socket"
            elif target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
                found[descriptor.name, target] = f"the file {target}"
    return found


async def find_left_open(before: Mapping[Hashable, str]) -> list[str]:
    """Return in words what was opened since and is still open after `CLOSING_SECONDS`."""
    left: dict[Hashable, str] = {}
    for _ in range(round(CLOSING_SECONDS / _POLL)):
        left = {thing: words for thing, words in list_open().items() if thing not in before}
        if not left:
            break
        await asyncio.sleep(_POLL)  # connections close in the next iterations of the loop
    for thing in left:
        if isinstance(thing, asyncio.Task) and not thing.cancel():
            continue
        if isinstance(thing, asyncio.Task):
            asyncio._unregister_task(thing)  # one that ignores its cancellation would hold the loop
    return sorted(left.values())
