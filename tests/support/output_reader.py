"""The output of a process so far."""

import codecs
import os
import select
import threading
from collections.abc import Callable
from typing import IO, Final

_CHUNK: Final = 1 << 16


class OutputReader:
    """Reads a pipe continuously, so that the writer never blocks.

    `text` also reads the bytes that are in the pipe: after a response, it has all output that was
    written before that response.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._has_ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        with self._changed:
            self._read_available()
            return self._text

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition is true; return False after the timeout."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def close(self, seconds: float) -> None:
        """Read until all writers have closed the pipe, and close it."""
        self._reader.join(seconds)
        with self._changed:
            self._has_ended = True
            self._pipe.close()

    def _read(self) -> None:
        while not self._has_ended:
            select.select([self._pipe], [], [])
            with self._changed:
                self._read_available()

    def _read_available(self) -> None:
        while not self._has_ended and select.select([self._pipe], [], [], 0)[0]:
            chunk = os.read(self._pipe.fileno(), _CHUNK)
            self._has_ended = not chunk
            self._text += self._decoder.decode(chunk, final=not chunk)
            self._changed.notify_all()
