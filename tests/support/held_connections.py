"""Connections that a client holds open: unfinished requests and slow readers."""

import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

UNFINISHED_BODY: Final = (
    b"POST /auth/request-otp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"phone": '
)
UNFINISHED_HEAD: Final = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
LARGE_RESPONSE: Final = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
_SMALL_BUFFER: Final = 4_096
_CLOSED: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class HeldConnections:
    """Connections that have sent something, and that read nothing."""

    def __init__(self, connections: Sequence[socket.socket]) -> None:
        self._connections = connections
        self._poll = select.epoll()
        for connection in connections:
            self._poll.register(connection, _CLOSED)

    @property
    def open(self) -> int:
        """How many the server has not closed."""
        return len(self._still_open())

    def on_each(self, action: Callable[[socket.socket], object]) -> None:
        """Send or read on all that are open."""
        for connection in self._still_open():
            with suppress(OSError):  # nothing has arrived, or the next poll reports it
                action(connection)

    def _still_open(self) -> list[socket.socket]:
        closed = dict(self._poll.poll(0, max(1, len(self._connections))))
        return [one for one in self._connections if one.fileno() not in closed]


@contextmanager
def hold(
    port: int, count: int, content: bytes, host: str = "127.0.0.1"
) -> Iterator[HeldConnections]:
    """Open so many connections, send this on each, and hold them until the end of the block."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
            connection.settimeout(10)
            connection.bind((host, 0))
            connection.connect(("127.0.0.1", port))
            connection.sendall(content)
            connections.append(connection)
        yield HeldConnections(connections)


def request_latency(port: int, timeout: float = 10.0) -> float:
    """Return how many seconds a request on a new connection takes; the timeout if it fails."""
    started = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if not connection.recv(100).startswith(b"HTTP/1.1 200 "):
                return timeout
    except OSError:
        return timeout
    return time.perf_counter() - started
