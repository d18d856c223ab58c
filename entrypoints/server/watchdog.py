"""The watchdog of a worker: it logs the call that stops the event loop, and ends the process."""

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog

from adapters.operations.logging import flush_log
from adapters.shared.threads import start_thread

TICK_SECONDS: Final = 1.0
WARNING_TICKS: Final = 5.0
"""Far longer than a call of ours should take in the event loop, even on a slow machine."""
END_TICKS: Final = 30.0
"""Linux gives a disk 30 s for a command before it resets the disk, so a stall that ends by itself
mostly ends earlier. No client waits for its request any more: a database call has 4.5 s, a write of
SQLite 15 s, and apps are told to wait for 20 s."""
EXIT_CODE: Final = os.EX_TEMPFAIL
_REPORT_SECONDS: Final = 2.0
"""Time for a line. If it is blocked, such as by a log on the same disk, the process ends."""
_MAX_FRAMES: Final = 30
_DESCRIPTORS: Final = Path("/proc/self/fd")
_THREADS: Final = Path("/proc/self/task")
_LOG_PACKAGES: Final = {"logging", "structlog"}

_log = structlog.get_logger()


@contextmanager
def watch_event_loop(
    end: Callable[[], object] | None = None, tick_seconds: float | None = None
) -> Iterator[None]:
    """Watch the running event loop until the end of the block, in a thread.

    It sees whatever blocks the loop, such as a disk that does not respond, unless that keeps the
    interpreter's lock, as no call for a disk does.

    - The thread wakes every second. At the fifth time in a row at which the loop has run nothing,
      it logs the call that blocks, and at the 30th it logs it again and ends the process at once.
    - Its own wakings are counted, not the time: if the process or the machine was stopped, the
      thread was too, and the loop gets its chance before anything happens.
    - If the thread of the loop has waited for a processor for most of the time between two wakings,
      only the rest counts. On a machine that has too few, a loop is late that nothing blocks, and
      an endless one ends later.
    """
    watchdog = _Watchdog(asyncio.get_running_loop(), end or _end_process)
    is_stopped = threading.Event()

    def run() -> None:
        while not is_stopped.wait(TICK_SECONDS if tick_seconds is None else tick_seconds):
            watchdog.tick()

    start_thread("watchdog", run, is_vital=True)
    try:
        yield
    finally:
        is_stopped.set()


@dataclass(frozen=True, slots=True)
class _ThreadState:
    """What the kernel says of a thread.

    Attributes:
        at: When it was read, in seconds.
        code: `R` if it has a processor or waits for one, `D` if it waits for a disk, otherwise `S`.
        running: Seconds for which it had a processor.
        waiting: Seconds for which it waited for one.
        waits_in: The function of the kernel in which it waits.
    """

    at: float = 0.0
    code: str = "S"
    running: float = 0.0
    waiting: float = 0.0
    waits_in: str = ""

    def find_waiting_share(self, before: "_ThreadState") -> float:
        """Return which part of the time since then it has waited for a processor.

        The kernel adds a wait when it is over, so the part may be above 1.
        """
        if self.code == "R" and self.running == before.running > 0:
            return 1.0
        return (self.waiting - before.waiting) / max(self.at - before.at, 1e-6)

    def read(self, native_id: int) -> "_ThreadState":
        """Return the state now. What the kernel does not say stays as it is."""
        now, folder = replace(self, at=time.monotonic()), _THREADS / str(native_id)
        with suppress(OSError, ValueError):
            now = replace(now, code=(folder / "stat").read_text().rpartition(") ")[2][:1])
            running, waiting, *_ = map(int, (folder / "schedstat").read_text().split())
            now = replace(now, running=running / 1e9, waiting=waiting / 1e9)
            now = replace(now, waits_in=(folder / "wchan").read_text())
        return now


class _Watchdog:
    def __init__(self, loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> None:
        self._loop = loop
        self._thread_id = threading.get_ident()
        self._native_id = threading.get_native_id()
        self._end = end
        self._missed_ticks = 0.0
        self._is_reported = False
        self._state = self._began = _ThreadState().read(self._native_id)
        self._has_run = threading.Event()
        self._has_run.set()

    def tick(self) -> None:
        before, self._state = self._state, self._state.read(self._native_id)
        if self._has_run.is_set() or not self._loop.is_running():
            if self._is_reported:
                _log.warning("event_loop_recovered", seconds=self._seconds())
            self._missed_ticks, self._is_reported, self._began = 0.0, False, self._state
            self._has_run.clear()
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._has_run.set)
            return
        waiting_share = self._state.find_waiting_share(before)
        missed = 1 - waiting_share if waiting_share > 1 / 2 else 1.0
        self._missed_ticks = max(0.0, self._missed_ticks + missed)
        if self._missed_ticks >= WARNING_TICKS and not self._is_reported:
            self._is_reported = True
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
            "cause": self._find_cause(frames),
            "call": next(map(_name, calls), None),
            "task": task.get_name() if task else None,
            "stack": [_name(frame) for frame in reversed(frames)],
        }

    def _find_cause(self, frames: Sequence[FrameType]) -> str:
        """Return what the thread does: `computing`, or waiting for `disk`, `log` or `other`."""
        since, now = self._began, self._state
        own_seconds = now.at - since.at - (now.waiting - since.waiting)
        if now.running - since.running > own_seconds / 2:
            return "computing"
        if now.code == "D" or now.waits_in == "request_wait_answer":  # of FUSE
            return "disk"
        is_logging = any(_package(frame) in _LOG_PACKAGES for frame in frames)
        return "log" if is_logging or now.waits_in.endswith("pipe_write") else "other"

    def _seconds(self) -> int:
        return int(self._missed_ticks * TICK_SECONDS)


def _end_process() -> None:
    # The kernel may be unable to end a process before the disk responds. Then its connections would
    # stay open, and it would get new ones.
    try:
        _close_connections()
    finally:  # also if no descriptor is left to list them
        os._exit(EXIT_CODE)


def _close_connections() -> None:
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
