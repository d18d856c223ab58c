"""Where lines go out: on a thread of their own, so that nobody who logs ever waits."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TextIO
from weakref import WeakSet

ROOM: Final = 4_000_000
"""How many characters may wait; a stream that takes nothing costs no more memory."""
PATIENCE: Final = 1.0
"""How many seconds the end of a process waits for what is not written yet."""
# POSIX writes so much to a pipe at once, never mixed with what other processes write.
_AT_ONCE: Final = select.PIPE_BUF


@dataclass(slots=True)
class _Gap:
    """Stands where lines would, for which there was no room."""

    lines: int = 1


class Outlet:
    """Takes lines at once and writes them one after another, as the stream takes them.

    - Where there was no room, one line says how many are missing.
    - What cannot be written is missing too, and is told of with the next line.
    - In a forked process it begins anew: what was told before is written by the parent.
    """

    def __init__(
        self, stream: TextIO | None, tell_missing: Callable[[int], str], room: int = ROOM
    ) -> None:
        self._stream = stream
        self._tell_missing = tell_missing
        self._room = room
        self._is_closed = False
        self._begin()
        _outlets.add(self)

    def put(self, line: str) -> None:
        """Take a line, with its end; never blocks."""
        if self._stream is None:
            return
        with self._changed:
            if len(line) <= self._room - self._waiting:
                self._entries.append(line)
                self._waiting += len(line)
            elif self._entries and isinstance(self._entries[-1], _Gap):
                self._entries[-1].lines += 1
            else:
                self._entries.append(_Gap())
            self._wake()

    def flush(self, seconds: float = PATIENCE) -> None:
        """Wait until everything is written, but not longer than this."""
        with self._changed:
            self._changed.wait_for(lambda: not self._entries and not self._is_writing, seconds)

    def close(self) -> None:
        """Let the thread end when nothing waits; a later line gets another one."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def begin_anew(self) -> None:
        """Forget the thread and what waits for it: they are the parent's."""
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._entries: deque[str | _Gap] = deque()
        self._waiting = 0
        self._unwritten = 0
        self._is_writing = False
        self._thread: threading.Thread | None = None

    def _wake(self) -> None:
        if self._thread is None:
            # A daemon, since a write that blocks for ever must not keep the process alive.
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread is to be had now: the next line tries again
                self._thread = None
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._entries or self._is_closed)
                if not self._entries:
                    self._thread = None
                    return
                self._is_writing = True
                texts, lines = self._taken()
            try:
                self._write(texts)
            except Exception:  # noqa: BLE001 - whatever is wrong with it, logging must not fail
                self._unwritten += lines
            else:
                self._unwritten = 0

    def _taken(self) -> tuple[Sequence[str], int]:
        texts = [self._tell_missing(self._unwritten)] if self._unwritten else []
        lines = size = 0
        while self._entries:
            entry = self._entries[0]
            text = self._tell_missing(entry.lines) if isinstance(entry, _Gap) else entry
            size += len(text)
            if lines and size > _AT_ONCE:
                break
            self._entries.popleft()
            self._waiting -= 0 if isinstance(entry, _Gap) else len(entry)
            texts.append(text)
            lines += entry.lines if isinstance(entry, _Gap) else 1
        return texts, lines

    def _write(self, texts: Sequence[str]) -> None:
        stream = self._stream
        assert stream is not None  # noqa: S101 - put takes nothing without one
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError, AttributeError):
            stream.write("".join(texts))
            stream.flush()
            return
        # Past the stream's own buffer: whoever holds its lock in a write that blocks would keep
        # the interpreter from ending.
        encoding = getattr(stream, "encoding", None) or "utf-8"
        data = "".join(texts).encode(encoding, "backslashreplace")
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                select.select([], [descriptor], [])


_outlets: WeakSet[Outlet] = WeakSet()


def _begin_anew() -> None:
    for outlet in list(_outlets):
        with suppress(Exception):
            outlet.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
