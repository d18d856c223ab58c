"""From the standard library's logging to the outlet."""

import logging
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from typing import TextIO

from entrypoints.logs.outlet import Outlet


class QueueingHandler(logging.Handler):
    """Makes a line of a record where it is told, and leaves the writing to another thread.

    What waits at the end of the process is written within a second, or not at all.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._outlet = Outlet(stream, self._missing)
        if parent_process() is not None:
            # Such a process ends without atexit, by which logging flushes its handlers.
            Finalize(None, self.flush, exitpriority=0)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the line over; never waits."""
        try:
            self._outlet.put(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - logging must not be what fails
            self.handleError(record)

    def flush(self) -> None:
        """Wait, for a bounded time, until what was told is written."""
        self._outlet.flush()

    def close(self) -> None:
        """Let the thread go as soon as nothing waits any more."""
        self._outlet.close()
        super().close()

    def _missing(self, lines: int) -> str:
        event = {"event": "Log lines are missing here: stderr did not take them", "lines": lines}
        record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, event, (), None)
        return f"{self.format(record)}\n"
