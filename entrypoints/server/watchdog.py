"""The watchdog of a worker: it logs the call that stops the event loop, and ends the process."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog

from adapters.operations.logging import flush_log
from adapters.shared.threads import start_thread

TICK_SECONDS: Final = 1.0
WARNING_TICKS: Final = 5
"""Far longer than any call of ours should take in the event loop, on a slow machine too."""
END_TICKS: Final = 30
"""Linux gives a disk 30 s for a command before it resets the disk, so a stall that ends by itself
mostly ends earlier. Nobody waits for the requests any more: a database call has 4.5 s, a write of
SQLite 15 s, and apps are told to wait for 20 s."""
EXIT_CODE: Final = os.EX_TEMPFAIL
_REPORT_SECONDS: Final = 2.0
"""For a line. Whatever blocks it, such as a log on the same disk, the process ends."""
_MAX_FRAMES: Final = 30
_DESCRIPTORS: Final = Path("/proc/self/fd")

_log = structlog.get_logger()


@contextmanager
def watch_event_loop(
    end: Callable[[], object] | None = None, tick_seconds: float | None = None
) -> Iterator[None]:
    """Watch the running event loop until the end of the block, in a thread.

    Point reads of SQLite are executed in the loop, and the secrets file is read in it. If a disk
    does not respond, the worker responds to nothing. Whatever else blocks the loop is seen as well,
    with every database, unless it keeps the interpreter's lock, as no call for a disk does.

    - The thread wakes every second. At the fifth time in a row at which the loop has run nothing,
      it logs the call that blocks, and at the 30th it logs it again and ends the process at once.
    - Its own wakings are counted, not the time: if the process or the machine was stopped, the
      thread was too, and the loop gets its chance before anything happens.

    Args:
        end: ends the process, by default at once with `EXIT_CODE`.
        tick_seconds: the time between two wakings, by default a second.
    """
    watchdog = _Watchdog(asyncio.get_running_loop(), threading.get_ident(), end or _end_process)
    is_stopped = threading.Event()

    def run() -> None:
        while not is_stopped.wait(TICK_SECONDS if tick_seconds is None else tick_seconds):
            watchdog.tick()

    start_thread("watchdog", run, is_vital=True)
    try:
        yield
    finally:
        is_stopped.set()


class _Watchdog:
    def __init__(
        self, loop: asyncio.AbstractEventLoop, thread_id: int, end: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._thread_id = thread_id
        self._end = end
        self._missed_ticks = 0
        self._has_run = threading.Event()
        self._has_run.set()

    def tick(self) -> None:
        """See whether the loop has run since the last time."""
        if self._has_run.is_set() or not self._loop.is_running():
            if self._missed_ticks >= WARNING_TICKS:
                _log.warning("event_loop_recovered", seconds=self._seconds())
            self._missed_ticks = 0
            self._has_run.clear()
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._has_run.set)
            return
        self._missed_ticks += 1
        if self._missed_ticks == WARNING_TICKS:
            self._report(_log.warning, "event_loop_blocked")
        if self._missed_ticks >= END_TICKS:
            self._report(_log.critical, "worker_ended")
            self._end()

    def _report(self, log: Callable[..., object], event: str) -> None:
        """Write a line, in a thread: the loop may have stopped with a lock that this needs."""

        def write() -> None:
            log(event, **self._describe_call())
            flush_log()

        start_thread("watchdog_report", write).join(_REPORT_SECONDS)

    def _describe_call(self) -> dict[str, Any]:
        """Return what is known of the call. Frames have no values."""
        frames = [*_walk(sys._current_frames().get(self._thread_id))]
        calls = (frame for frame in frames if _package(frame) not in sys.stdlib_module_names)
        task = asyncio.current_task(self._loop)
        return {
            "seconds": self._seconds(),
            "call": next(map(_name, calls), None),
            "task": task.get_name() if task else None,
            "stack": [_name(frame) for frame in reversed(frames)],
        }

    def _seconds(self) -> int:
        return round(self._missed_ticks * TICK_SECONDS)


def _end_process() -> None:
    # The kernel may be unable to end a process before the disk responds. Then its connections would
    # stay open, and it would get new ones.
    try:
        _close_connections()
    finally:  # also if no descriptor is left to list them
        os._exit(EXIT_CODE)


def _close_connections() -> None:
    """End all connections, and accept no more."""
    for descriptor in _DESCRIPTORS.iterdir():
        with suppress(OSError):
            # To close a copy of another descriptor could wait for the disk.
            if str(descriptor.readlink()).startswith("socket:"):
                with socket.socket(fileno=os.dup(int(descriptor.name))) as connection:
                    # The log may be a socket of another family, which all processes share.
                    if connection.family in (socket.AF_INET, socket.AF_INET6):
                        connection.shutdown(socket.SHUT_RDWR)


def _walk(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of a thread, the innermost first, without those that have started it."""
    for _ in range(_MAX_FRAMES):
        if frame is None or _package(frame) == "granian":
            return
        yield frame
        frame = frame.f_back


def _package(frame: FrameType) -> str:
    module: str = frame.f_globals.get("__name__", "")
    return module.partition(".")[0]


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__')}:{frame.f_lineno} {frame.f_code.co_qualname}"
