"""The lines of the log: a bounded list that one thread writes."""

import logging
import os
import select
import signal
import stat
import threading
import time
from collections.abc import Callable
from multiprocessing.util import Finalize
from queue import SimpleQueue
from typing import Final

MAX_LINES: Final = 10_000
"""Lines that may wait, so a stream that blocks costs a bounded amount of memory."""
_WRITE_INTERVAL: Final = 0.02
"""Seconds in which the thread collects lines: waking it is expensive."""


class LineWriter:
    """Writes lines to a file descriptor, on a thread.

    A reader of stderr that stalls must stop no sign-in, and no worker from its end: `QueueListener`
    would wait for it there without a limit, and its thread does not exist in a forked process.

    - `write` never waits. If the list is full, lines are dropped and counted.
    - After lines that were dropped, or could not be written, the log says how many.
    - The list and the thread begin with the first line of each process, so a forked process writes
      only its own lines.
    """

    def __init__(self, descriptor: int, report_dropped: Callable[[int], str]) -> None:
        """Create a writer.

        It writes to a descriptor, not through a stream: the interpreter cannot exit while a blocked
        write holds the lock of the stream's buffer. `report_dropped` returns the line that says how
        many lines are missing.
        """
        self.descriptor = descriptor
        self._report_dropped = report_dropped
        self._dropped = 0
        self._thread = threading.Thread()
        self.count_dropped: Callable[[int], object] = lambda _: None
        """Counts dropped lines while the log itself cannot report them."""

    def write(self, line: str) -> None:
        if not self._thread.is_alive():
            self._start_thread()
        if self._queue.qsize() < MAX_LINES:
            self._queue.put(line)
        else:
            self._dropped += 1
            self.count_dropped(1)

    def wait_until_written(self, timeout_seconds: float = 1.0) -> None:
        if self._thread.is_alive():
            flushed = threading.Event()
            self._queue.put(flushed)
            flushed.wait(timeout_seconds)

    def _start_thread(self) -> None:
        queue: SimpleQueue[str | threading.Event] = SimpleQueue()
        # A daemon thread, because a blocked write must not keep the process alive.
        # The next line starts another one, should it die.
        thread = threading.Thread(target=self._run, args=(queue,), name="log", daemon=True)
        thread.start()
        # Together at the end: threads that begin at once may each start one.
        self._queue, self._thread = queue, thread
        # Children of multiprocessing exit without atexit.
        Finalize(None, self.wait_until_written, exitpriority=0)

    def _run(self, queue: SimpleQueue[str | threading.Event]) -> None:
        # A signal that arrives here wakes no thread that waits for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            items = [queue.get()]
            time.sleep(_WRITE_INTERVAL)  # one write has the lines of this time
            items += [queue.get() for _ in range(queue.qsize())]
            lines = [item for item in items if isinstance(item, str)]
            dropped, self._dropped = self._dropped, 0
            report = [self._report_dropped(dropped)] if dropped else []
            try:
                self._write([*lines, *report])
            except Exception:  # noqa: BLE001 - it cannot be logged, but counted
                self._dropped += dropped + len(lines)
                self.count_dropped(len(lines))
            for item in items:
                if isinstance(item, threading.Event):
                    item.set()

    def _write(self, lines: list[str]) -> None:
        data = "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")
        # POSIX writes PIPE_BUF to a pipe without lines of other processes. Elsewhere fewer system
        # calls are better: after each, this thread waits for the interpreter's lock.
        is_pipe = stat.S_ISFIFO(os.fstat(self.descriptor).st_mode)
        size = select.PIPE_BUF if is_pipe else len(data)
        start = 0
        while start < len(data):
            end = data.rfind(b"\n", start, start + size) + 1 or start + size
            try:
                start += os.write(self.descriptor, data[start:end])
            except BlockingIOError:
                select.select([], [self.descriptor], [])


class LineLogger:
    """A logger that structlog calls with each line."""

    def __init__(
        self,
        logger: logging.Logger,
        write: Callable[[str], object],
        *,
        below_warning: bool = True,
    ) -> None:
        """Take the name and the level of a logger. The level says whether warnings are written.

        Lines of lower levels are written only with `below_warning`: a library may use structlog.
        """
        self.name = logger.name
        self.debug = self.info = write if below_warning else str
        self.error = self.critical = write
        self.warning = write if logger.isEnabledFor(logging.WARNING) else str
