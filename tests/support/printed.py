"""What a process has printed so far."""

import codecs
import os
import select
import threading
from collections.abc import Callable
from typing import IO, Final

_CHUNK: Final = 1 << 16


class Printed:
    """All that was written to a pipe up to now; it is emptied all the time, so nobody blocks on it.

    Whoever asks for the text takes what lies in the pipe: what was written before an answer came
    is in the text when the answer is there.
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
            self._take()
            return self._text

    def wait_for(self, is_there: Callable[[], bool], seconds: float) -> bool:
        """Wait until this holds of what was printed; says whether it does."""
        with self._changed:
            return self._changed.wait_for(is_there, seconds)

    def close(self, seconds: float) -> None:
        """Take the rest, until all who hold the other end are gone, and close the pipe."""
        self._reader.join(seconds)
        with self._changed:
            self._has_ended = True
            self._pipe.close()

    def _read(self) -> None:
        while not self._has_ended:
            select.select([self._pipe], [], [])
            with self._changed:
                self._take()

    def _take(self) -> None:
        while not self._has_ended and select.select([self._pipe], [], [], 0)[0]:
            chunk = os.read(self._pipe.fileno(), _CHUNK)
            self._has_ended = not chunk
            self._text += self._decoder.decode(chunk, final=not chunk)
            self._changed.notify_all()
