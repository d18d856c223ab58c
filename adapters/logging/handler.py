"""The handler that writes log lines on its own thread."""

import logging
import os
import select
import stat
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from typing import Final, TextIO

MAX_QUEUE_SIZE: Final = 4_000_000
"""Bytes in the queue; so a stream that blocks costs a bounded amount of memory."""
FLUSH_TIMEOUT: Final = 1.0
"""Seconds that the exit of a process waits for the stream."""
_WRITE_INTERVAL: Final = 0.02
"""Seconds in which the thread collects lines, unless there is a warning: waking it is expensive."""


def make_handler(stream: TextIO | None) -> logging.Handler:
    """Return the handler for a stream; if there is none or it is closed, lines are dropped."""
    if stream is None or stream.closed:
        return logging.NullHandler()
    return NonBlockingHandler(stream.fileno(), stream.encoding)


class NonBlockingHandler(logging.Handler):
    """Write log lines to a file descriptor, on a thread.

    - `emit` and `put` never wait. If the queue is full, lines are dropped and counted.
    - Lines are written together after a short interval; warnings and errors at once.
    - The log shows how many lines were dropped, or could not be written, where they are missing.
    - A forked process starts with an empty queue; its parent writes the lines before the fork.

    `QueueHandler` and `QueueListener` are not used: they wake the thread for each line and write it
    alone, `QueueListener.stop` waits without a limit for a stream that blocks, and its thread does
    not exist in a forked process.
    """

    def __init__(
        self, descriptor: int, encoding: str = "utf-8", max_queue_size: int = MAX_QUEUE_SIZE
    ) -> None:
        """Create a handler; its thread starts with the first line.

        Args:
            descriptor: where the lines are written. Not through a stream: the interpreter cannot
                exit while a blocked write holds the lock of the stream's buffer.
            encoding: of the lines; characters that it lacks are escaped.
            max_queue_size: bytes that may wait for the descriptor.
        """
        super().__init__()
        self._descriptor = descriptor
        self._encoding = encoding
        self._max_queue_size = max_queue_size
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        # POSIX writes PIPE_BUF to a pipe without lines of other processes, and to a file any size.
        self._max_write_size = max_queue_size if is_file else select.PIPE_BUF
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        if parent_process() is not None:
            # A child of multiprocessing exits without atexit, where logging flushes its handlers.
            Finalize(None, self.flush, exitpriority=0)

    def emit(self, record: logging.LogRecord) -> None:
        """Format a record and put its line into the queue."""
        try:
            self.put(self._line(record), is_urgent=record.levelno >= logging.WARNING)
        except Exception:  # noqa: BLE001 - logging must not fail
            self.handleError(record)

    def put(self, line: bytes, *, is_urgent: bool = False) -> None:
        """Put a line with its line end into the queue, or drop it."""
        with self._lock:
            # After the first dropped line all are dropped, so that the gap is in one place.
            if self._dropped or self._queue_size + len(line) > self._max_queue_size:
                self._dropped += 1
                return
            self._queue.append(line)
            self._queue_size += len(line)
            if is_urgent:
                self._is_urgent = True
            if self._thread is None:
                self._start_thread()
            elif is_urgent or len(self._queue) == 1:
                self._changed.notify_all()

    def flush(self, timeout_seconds: float = FLUSH_TIMEOUT) -> None:
        """Wait until the queue is written, at most for the timeout."""
        with self._changed:
            self._is_urgent = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: not self._queue and not self._is_writing, timeout_seconds
            )

    def _reset(self) -> None:
        # After a fork, the queue and perhaps its lock belong to a thread that does not exist.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._queue: list[bytes] = []
        self._queue_size = 0
        self._dropped = 0
        self._is_urgent = False
        self._is_writing = False
        self._thread: threading.Thread | None = None

    def _start_thread(self) -> None:
        # A daemon thread, because a blocked write must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no more threads: the next line tries again
            self._thread = None

    def _run(self) -> None:
        failed = 0
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._queue)
                self._changed.wait_for(lambda: self._is_urgent, _WRITE_INTERVAL)
                self._is_urgent = False
                lines, self._queue, self._queue_size = self._queue, [], 0
                dropped, self._dropped = self._dropped, 0
                self._is_writing = True
            failed = self._write_dropped(failed)
            failed += sum(self._write(chunk, len(chunk)) for chunk in self._chunks(lines))
            failed += self._write_dropped(dropped)

    def _write_dropped(self, dropped: int) -> int:
        if not dropped:
            return 0
        event = {"event": "log_lines_dropped", "lines": dropped}
        record = logging.LogRecord(__name__, logging.WARNING, "", 0, event, (), None)
        return self._write([self._line(record)], dropped)

    def _write(self, lines: Sequence[bytes], count: int) -> int:
        """Write lines; return the count if that fails, else 0."""
        data = b"".join(lines)
        try:
            while data:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:
                    select.select([], [self._descriptor], [])
        except OSError:
            return count
        return 0

    def _chunks(self, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        chunk: list[bytes] = []
        size = 0
        for line in lines:
            if chunk and size + len(line) > self._max_write_size:
                yield chunk
                chunk, size = [], 0
            chunk.append(line)
            size += len(line)
        yield chunk

    def _line(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode(self._encoding, "backslashreplace")
