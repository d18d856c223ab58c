"""A TCP proxy in front of a server, which tests can close."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class TcpProxy:
    """Forwards the connections to a port of 127.0.0.1 until it is closed."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "", target.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def wait_until_idle(self) -> None:
        """Wait until no connection is open."""
        with self._changed:
            self._changed.wait_for(lambda: all(end.fileno() < 0 for end in self._sockets[1:]))

    def close(self) -> None:
        """Close all connections and the port."""
        with self._changed:
            self._is_closed = True
            for connection in self._sockets:
                _close(connection)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        for thread in self._threads:
            thread.join()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    _close(client)
                    continue
                with self._changed:
                    self._sockets += [client, server]
                    if self._is_closed:
                        self.close()
                    else:
                        self._start(self._forward, client, server)
                        self._start(self._forward, server, client)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        with self._changed:
            _close(source)
            _close(target)
            self._changed.notify_all()


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
