"""Which calls block the event loop."""

import asyncio
import asyncio.events
import selectors
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

MAX_PAUSE: Final = 0.3
"""Seconds for which one call may keep the event loop from all others."""
PAUSES: Final[dict[str, str]] = {}
"""The calls that blocked the event loop in this run of a test, each with the place where it was.

On a busy machine one of them may have waited for the machine. That of an adapter that blocks is
here in each run.
"""
_SLICE: Final = 0.01
_MAX_SLEEP: Final = 5 * _SLICE
"""As much of a slice counts as sleep, because this thread itself may have waited in it."""
_SHOWN_CALLS: Final = 4
_IDLE: Final = selectors.__file__
"""Where an event loop sleeps that has nothing to do."""
_SUITES: Final = str(Path(__file__).parent)


@contextmanager
def find_blocking_calls() -> Iterator[None]:
    """Add what keeps the running event loop from other tasks for `MAX_PAUSE` to `PAUSES`.

    A pause is what one task computes, and what it sleeps in one call. To wait for a processor is
    none: other programs do that to it.
    """
    is_stopped = threading.Event()
    arguments = asyncio.get_running_loop(), _LoopThread(), is_stopped
    thread = threading.Thread(target=_watch, args=arguments, name="blocked loop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_stopped.set()
        thread.join()


class _LoopThread:
    """The thread of the event loop, as another thread sees it."""

    def __init__(self) -> None:
        self._ident = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._ident)
        self._state = Path(f"/proc/self/task/{threading.get_native_id()}/stat")
        self._measured_at = self._computed = 0.0
        self._place: tuple[CodeType, int] | None = None

    @property
    def frame(self) -> FrameType:
        return sys._current_frames()[self._ident]

    def measure(self) -> float:
        """Return for how many seconds of the last slice it computed, or slept in one call."""
        now, computed = time.monotonic(), time.clock_gettime(self._clock)
        place = self.frame.f_code, self.frame.f_lasti
        seconds = computed - self._computed
        if self._is_asleep() and place == self._place and place[0].co_filename != _IDLE:
            seconds = min(now - self._measured_at, _MAX_SLEEP)
        self._measured_at, self._computed, self._place = now, computed, place
        return seconds

    def _is_asleep(self) -> bool:
        """Return whether it waits for something else than a processor or a disk."""
        return self._state.read_text().rpartition(") ")[2].startswith("S")


def _watch(
    loop: asyncio.AbstractEventLoop, loop_thread: _LoopThread, is_stopped: threading.Event
) -> None:
    while not is_stopped.wait(_SLICE):
        response = threading.Event()
        task, pause = asyncio.current_task(loop), 0.0
        loop_thread.measure()
        loop.call_soon_threadsafe(response.set)
        while not response.wait(_SLICE) and not is_stopped.is_set():
            seconds = loop_thread.measure()
            if (current := asyncio.current_task(loop)) is task:
                pause += seconds
            else:
                task, pause = current, 0.0
            if pause >= MAX_PAUSE:
                _add_pause(loop_thread.frame)
                pause = 0.0


def _add_pause(frame: FrameType) -> None:
    """Add the function that a suite or the event loop has called, and where in it the thread is."""
    calls = traceback.extract_stack(frame)
    callers = [
        number
        for number, call in enumerate(calls[:-1])
        if call.filename == asyncio.events.__file__ or call.filename.startswith(_SUITES)
    ]
    called = calls[max(callers, default=-1) + 1 :]
    places = (f"{call.filename}:{call.lineno} in {call.name}" for call in called[-_SHOWN_CALLS:])
    PAUSES.setdefault(f"{called[0].filename} {called[0].name}", ", ".join(places))
