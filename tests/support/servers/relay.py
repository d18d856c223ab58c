"""A door in front of a server of TCP, which tests may shut."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self
from urllib.parse import urlsplit

_AT_ONCE: Final = 65_536


class Relay:
    """Hands on what comes to a port of 127.0.0.1, and the answers, until it is shut.

    A connection whose answers are longer than `longest_answer` bytes is cut off there. While it is
    held nothing passes, and nobody is told: as when a cable is cut.
    """

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "", target.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = [self._listener]
        self._threads: list[threading.Thread] = []
        self._changing = threading.Condition()
        self._is_shut = False
        self._passing = threading.Event()
        self._passing.set()
        self.longest_answer: int | None = None
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def wait_until_idle(self) -> None:
        """Return when no connection is open."""
        with self._changing:
            self._changing.wait_for(lambda: all(end.fileno() < 0 for end in self._ends[1:]))

    def hold(self) -> None:
        """Let nothing pass, in either direction."""
        self._passing.clear()

    def let_go(self) -> None:
        """Let everything pass, also what was held."""
        self._passing.set()

    def shut(self) -> None:
        """Cut every connection, and take no more of them."""
        self._passing.set()
        with self._changing:
            self._is_shut = True
            for end in self._ends:
                _cut(end)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *ends: socket.socket) -> None:
        thread = threading.Thread(target=work, args=ends)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(self._target)
                except OSError:
                    _cut(near)
                    continue
                self._connect(near, far)

    def _connect(self, near: socket.socket, far: socket.socket) -> None:
        with self._changing:
            self._ends += [near, far]
            if self._is_shut:
                _cut(near)
                _cut(far)
            else:
                self._start(self._hand_on, near, far)
                self._start(self._hand_back, far, near)

    def _hand_on(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(_AT_ONCE):
                self._passing.wait()
                far.sendall(data)
        self._end(near, far)

    def _hand_back(self, far: socket.socket, near: socket.socket) -> None:
        sent = 0
        with suppress(OSError):
            while data := far.recv(_AT_ONCE):
                self._passing.wait()
                longest = self.longest_answer
                near.sendall(data if longest is None else data[: max(0, longest - sent)])
                sent += len(data)
                if longest is not None and sent > longest:
                    break
        self._end(near, far)

    def _end(self, *ends: socket.socket) -> None:
        with self._changing:
            for end in ends:
                _cut(end)
            self._changing.notify_all()


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
