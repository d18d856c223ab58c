"""Which calls block the event loop."""

import asyncio
import asyncio.events
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAX_PAUSE: Final = 0.3
"""Seconds for which one call may keep the event loop from all others."""
PAUSES: Final[dict[str, str]] = {}
"""The calls that blocked the event loop in this run of a test, each with the place where it was.

On a busy machine another program may have done it. A call that blocks is here in each run.
"""
_POLL: Final = 0.01
_SHOWN_CALLS: Final = 3
_SUITES: Final = str(Path(__file__).parent)


@contextmanager
def find_blocking_calls() -> Iterator[None]:
    """Add what keeps the running event loop from other tasks for `MAX_PAUSE` to `PAUSES`."""
    schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")

    def clock() -> float:
        """Return a time in seconds that stands still while the thread waits for a processor."""
        return time.monotonic() - int(schedule.read_text().split()[1]) / 1e9

    is_stopped = threading.Event()
    arguments = asyncio.get_running_loop(), threading.get_ident(), clock, is_stopped
    thread = threading.Thread(target=_watch, args=arguments, name="blocked loop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_stopped.set()
        thread.join()


def _watch(
    loop: asyncio.AbstractEventLoop,
    thread_ident: int,
    clock: Callable[[], float],
    is_stopped: threading.Event,
) -> None:
    begun_at = clock()
    while not is_stopped.wait(_POLL):
        response, task, calls = threading.Event(), asyncio.current_task(loop), None
        # Long before the end, because this thread may wait for a processor too. And again when it
        # is a pause: what was slow before, such as an import, may be over.
        sample_times = [MAX_PAUSE, MAX_PAUSE / 3]
        loop.call_soon_threadsafe(response.set)
        while not response.wait(_POLL) and asyncio.current_task(loop) is task:
            if is_stopped.is_set():
                return
            if sample_times and clock() - begun_at >= sample_times[-1]:
                sample_times.pop()
                calls = traceback.extract_stack(sys._current_frames()[thread_ident])
        ended_at = clock()
        if calls and ended_at - begun_at >= MAX_PAUSE:
            _add_pause(calls)
        begun_at = ended_at


def _add_pause(calls: traceback.StackSummary) -> None:
    """Add the function that a suite or the event loop has called, and what it was doing."""
    if all(call.filename != asyncio.events.__file__ for call in calls):
        return  # the event loop waits for something to do
    callers = [
        number
        for number, call in enumerate(calls[:-1])
        if call.filename == asyncio.events.__file__ or call.filename.startswith(_SUITES)
    ]
    called = calls[max(callers, default=-1) + 1 :]
    shown = [called[0], *called[1:][-_SHOWN_CALLS:]]
    places = (f"{call.filename}:{call.lineno} in {call.name}" for call in shown)
    PAUSES.setdefault(f"{called[0].filename} {called[0].name}", ", ".join(places))
