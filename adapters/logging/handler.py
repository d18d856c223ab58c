"""The handler that writes log lines on its own thread."""

import logging
import os
import select
import threading
from collections.abc import Iterable, Iterator
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from typing import Final, TextIO

MAX_QUEUE_SIZE: Final = 4_000_000
"""Characters in the queue; so a stream that blocks costs a bounded amount of memory."""
FLUSH_TIMEOUT: Final = 1.0
"""Seconds that the exit of a process waits for the stream."""

_Entry = tuple[str, int]
"""A text to write, and the number of log lines that are lost when the write fails."""


class NonBlockingHandler(logging.Handler):
    """Write log lines to a stream, on a thread.

    - `emit` never waits for the stream. If the queue is full, lines are dropped and counted.
    - The log shows how many lines were dropped, or could not be written, where they are missing.
    - A forked process starts with an empty queue; its parent writes the lines before the fork.

    `logging.handlers.QueueListener` is not used: its `stop` waits without a limit for a stream that
    blocks, and its thread does not exist in a forked process.
    """

    def __init__(self, stream: TextIO | None, max_queue_size: int = MAX_QUEUE_SIZE) -> None:
        """Create a handler; without a stream it drops everything.

        Args:
            stream: where the lines are written.
            max_queue_size: characters that may wait for the stream.
        """
        super().__init__()
        self._stream = stream
        self._max_queue_size = max_queue_size
        self._reset()
        if parent_process() is not None:
            # A child of multiprocessing exits without atexit, where logging flushes its handlers.
            Finalize(None, self.flush, exitpriority=0)

    def emit(self, record: logging.LogRecord) -> None:
        """Format a record and put it in the queue; never waits."""
        if self._stream is None:
            return
        try:
            self._put(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - logging must not fail
            self.handleError(record)

    def flush(self, timeout_seconds: float = FLUSH_TIMEOUT) -> None:
        """Wait until the queue is written, at most for the timeout."""
        self._reset_after_fork()
        with self._changed:
            self._changed.wait_for(
                lambda: not self._queue and not self._is_writing, timeout_seconds
            )

    def close(self) -> None:
        """Let the thread end when the queue is empty; a later line starts a new one."""
        self._reset_after_fork()
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        super().close()

    def _reset(self) -> None:
        self._process_id = os.getpid()
        self._changed = threading.Condition()
        self._queue: list[str] = []
        self._queue_size = 0
        self._dropped = 0
        self._is_writing = False
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def _reset_after_fork(self) -> None:
        # The queue and perhaps the lock belong to a thread that does not exist in this process.
        if self._process_id != os.getpid():
            self._reset()

    def _put(self, line: str) -> None:
        self._reset_after_fork()
        with self._changed:
            # After the first dropped line all are dropped, so that the gap is in one place.
            if self._dropped or self._queue_size + len(line) > self._max_queue_size:
                self._dropped += 1
                return
            self._queue.append(line)
            self._queue_size += len(line)
            if self._thread is None:
                self._start_thread()
            self._changed.notify_all()

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
                self._changed.wait_for(lambda: self._queue or self._is_closed)
                if not self._queue:
                    self._thread = None
                    return
                lines, self._queue, self._queue_size = self._queue, [], 0
                dropped, self._dropped = self._dropped, 0
                self._is_writing = True
            failed = self._write_all(
                [
                    *self._dropped_entry(failed),
                    *((line, 1) for line in lines),
                    *self._dropped_entry(dropped),
                ]
            )

    def _dropped_entry(self, count: int) -> Iterator[_Entry]:
        if count:
            event = {"event": "log_lines_dropped", "lines": count}
            record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, event, (), None)
            yield f"{self.format(record)}\n", count

    def _write_all(self, entries: Iterable[_Entry]) -> int:
        """Write entries; return the number of log lines that could not be written."""
        failed = 0
        for chunk in _chunks(entries):
            try:
                self._write("".join(text for text, _ in chunk))
            except Exception:  # noqa: BLE001 - logging must not fail
                failed += sum(lines for _, lines in chunk)
        return failed

    def _write(self, text: str) -> None:
        stream = self._stream
        assert stream is not None  # noqa: S101 - emit drops everything without a stream
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError, AttributeError):
            stream.write(text)
            stream.flush()
            return
        # Not through the stream's buffer: the interpreter cannot exit while a blocked write holds
        # the lock of the buffer.
        encoding = getattr(stream, "encoding", None) or "utf-8"
        data = text.encode(encoding, "backslashreplace")
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                select.select([], [descriptor], [])


def _chunks(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    """Group entries up to PIPE_BUF: POSIX writes so much without lines of other processes."""
    chunk: list[_Entry] = []
    size = 0
    for entry in entries:
        if chunk and size + len(entry[0]) > select.PIPE_BUF:
            yield chunk
            chunk, size = [], 0
        chunk.append(entry)
        size += len(entry[0])
    yield chunk
