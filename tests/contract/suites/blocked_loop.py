"""Which call blocks the event loop."""

import asyncio
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
_SLICE: Final = 0.01
_SHOWN_CALLS: Final = 4
_IDLE: Final = selectors.__file__
"""Where an event loop sleeps that has nothing to do."""


@contextmanager
def find_blocking_calls() -> Iterator[list[str]]:
    """Find what keeps the running event loop from other tasks for `MAX_PAUSE`.

    Yields a list to which each pause adds the last calls, so that the line that blocks is there.
    A pause is what its thread computes, and what it sleeps in one call. To wait for a processor is
    none: other programs do that to it.
    """
    pauses: list[str] = []
    is_stopped = threading.Event()
    loop_thread = _LoopThread()
    arguments = asyncio.get_running_loop(), loop_thread, is_stopped, pauses
    thread = threading.Thread(target=_watch, args=arguments, name="blocked loop", daemon=True)
    thread.start()
    try:
        yield pauses
    finally:
        is_stopped.set()
        thread.join()


class _LoopThread:
    """The thread of the event loop, as another thread sees it."""

    def __init__(self) -> None:
        self._ident = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._ident)
        self._state = Path(f"/proc/self/task/{threading.get_native_id()}/stat")
        self._computed = 0.0
        self._place: tuple[CodeType, int] | None = None

    @property
    def frame(self) -> FrameType:
        return sys._current_frames()[self._ident]

    def measure(self) -> float:
        """Return for how many seconds of the last slice it computed, or slept in one call."""
        computed, place = time.clock_gettime(self._clock), (self.frame.f_code, self.frame.f_lasti)
        seconds = computed - self._computed
        if self._is_asleep() and place == self._place and place[0].co_filename != _IDLE:
            seconds = _SLICE
        self._computed, self._place = computed, place
        return seconds

    def _is_asleep(self) -> bool:
        """Return whether it waits for something else than a processor or a disk."""
        return self._state.read_text().rpartition(") ")[2].startswith("S")


def _watch(
    loop: asyncio.AbstractEventLoop,
    loop_thread: _LoopThread,
    is_stopped: threading.Event,
    pauses: list[str],
) -> None:
    while not is_stopped.wait(_SLICE):
        response = threading.Event()
        loop_thread.measure()
        loop.call_soon_threadsafe(response.set)
        pause, is_long = 0.0, False
        while not response.wait(_SLICE) and not is_stopped.is_set():
            pause += loop_thread.measure()
            if pause >= MAX_PAUSE and not is_long:
                is_long = True
                pauses.append(_describe_calls(loop_thread.frame))


def _describe_calls(frame: FrameType) -> str:
    calls = traceback.extract_stack(frame)[-_SHOWN_CALLS:]
    return ", ".join(f"{call.filename}:{call.lineno} in {call.name}" for call in calls)
