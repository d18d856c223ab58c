"""A TCP proxy in front of a server, which tests can pause and close."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self
from urllib.parse import urlsplit

_CHUNK_SIZE: Final = 65_536


class TcpProxy:
    """Forwards the connections to a port of 127.0.0.1 until it is closed.

    - After `max_response_bytes` bytes of responses a connection is closed.
    - While the proxy is paused, it forwards nothing and closes nothing, like a cut cable.
    """

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "", target.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self._is_forwarding = threading.Event()
        self._is_forwarding.set()
        self.max_response_bytes: int | None = None
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def wait_until_idle(self) -> None:
        """Wait until no connection is open."""
        with self._changed:
            self._changed.wait_for(lambda: all(end.fileno() < 0 for end in self._sockets[1:]))

    def pause(self) -> None:
        """Forward nothing, in either direction."""
        self._is_forwarding.clear()

    def resume(self) -> None:
        """Forward again, also the bytes that were held back."""
        self._is_forwarding.set()

    def close(self) -> None:
        """Close all connections and the port."""
        self._is_forwarding.set()
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

    def _start(self, target: Callable[..., None], *sockets: socket.socket) -> None:
        thread = threading.Thread(target=target, args=sockets)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    _close(client)
                    continue
                self._connect(client, server)

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        with self._changed:
            self._sockets += [client, server]
            if self._is_closed:
                _close(client)
                _close(server)
            else:
                self._start(self._forward_requests, client, server)
                self._start(self._forward_responses, server, client)

    def _forward_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK_SIZE):
                self._is_forwarding.wait()
                server.sendall(data)
        self._end(client, server)

    def _forward_responses(self, server: socket.socket, client: socket.socket) -> None:
        sent = 0
        with suppress(OSError):
            while data := server.recv(_CHUNK_SIZE):
                self._is_forwarding.wait()
                limit = self.max_response_bytes
                client.sendall(data if limit is None else data[: max(0, limit - sent)])
                sent += len(data)
                if limit is not None and sent > limit:
                    break
        self._end(client, server)

    def _end(self, *sockets: socket.socket) -> None:
        with self._changed:
            for connection in sockets:
                _close(connection)
            self._changed.notify_all()


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
