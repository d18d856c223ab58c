"""A block of text on its way to a stream that may never take it."""

import errno
import os
import select
import threading
import time
from typing import Final, TextIO

from application.ports.messenger import Handover, Outcome

# POSIX writes so much to a pipe at once, never mixed with what others write.
_AT_ONCE: Final = select.PIPE_BUF
_GONE: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL

_ACCEPTED: Final = Handover(Outcome.ACCEPTED)
_STALLED: Final = Handover(Outcome.REFUSED, "the console does not take any text")
_UNKNOWN: Final = Handover(Outcome.UNKNOWN, "the console took a part, or may still take it")


class Writing:
    """Writes one block, and knows whether any of it can have been seen.

    Nothing written is REFUSED, all of it ACCEPTED, and anything between, or not known in
    time, UNKNOWN. `run` blocks and belongs on a thread of its own; `give_up` is for who will
    not wait for it any longer.
    """

    def __init__(self, stream: TextIO, block: str, turn: threading.Lock, seconds: float) -> None:
        self._stream = stream
        self._block = block
        self._turn = turn
        self._until = time.monotonic() + seconds
        self._deciding = threading.Lock()
        self._has_begun = False
        self._is_given_up = False

    def run(self) -> Handover:
        """Wait for the turn and for room, and write; ends in time unless a write blocks."""
        if not self._turn.acquire(timeout=self._left()):
            return _STALLED
        try:
            descriptor = descriptor_of(self._stream)
            return self._as_text() if descriptor is None else self._as_bytes(descriptor)
        finally:
            self._turn.release()

    def give_up(self) -> Handover:
        """Keep it from beginning; it is unknown what becomes of it if it has begun."""
        with self._deciding:
            self._is_given_up = True
            return _UNKNOWN if self._has_begun else _STALLED

    def _begin(self) -> bool:
        with self._deciding:
            self._has_begun = not self._is_given_up
            return self._has_begun

    def _left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _as_text(self) -> Handover:
        if not self._begin():
            return _STALLED
        try:
            self._stream.write(self._block)
        except (OSError, ValueError) as error:
            return _refused(error)
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return _UNKNOWN
        return _ACCEPTED

    def _as_bytes(self, descriptor: int) -> Handover:
        # Past the stream's own buffer: what a failed flush leaves in there would come out
        # later, after it was said that nothing was sent.
        data = self._block.encode(self._stream.encoding or "utf-8", "backslashreplace")
        written = 0
        try:
            if not has_room(descriptor, self._left()):
                return _STALLED
            self._stream.flush()
            if not self._begin():
                return _STALLED
            while written < len(data):
                if not has_room(descriptor, self._left()):
                    return _UNKNOWN if written else _STALLED
                written += _write_some(descriptor, data[written : written + _AT_ONCE])
        except (OSError, ValueError) as error:
            return _UNKNOWN if written else _refused(error)
        return _ACCEPTED


def descriptor_of(stream: TextIO) -> int | None:
    """The file descriptor below the stream, or None when it has none."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def has_room(descriptor: int, seconds: float) -> bool:
    """Wait until a write would not block.

    Raises:
        OSError: it never will, since nobody reads it.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    events = poll.poll(seconds * 1000)
    if events and events[0][1] & _GONE:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    return bool(events)


def _write_some(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        # Somebody else's text came first; there will be room again.
        return 0


def _refused(error: Exception) -> Handover:
    why = getattr(error, "strerror", None) or "it is closed"
    return Handover(Outcome.REFUSED, f"the console cannot be written to: {why}")
