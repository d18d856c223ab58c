"""Connections that a client holds open: unfinished requests and slow readers."""

import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

_HOST: Final = b"Host: dialtone.example.org\r\n"
UNFINISHED_BODY: Final = (
    b"POST /auth/request-otp HTTP/1.1\r\n" + _HOST + b"Content-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"phone": '
)
UNFINISHED_HEAD: Final = b"GET /health/live HTTP/1.1\r\n" + _HOST
HEALTH: Final = UNFINISHED_HEAD + b"\r\n"
LAST_REQUEST: Final = UNFINISHED_HEAD + b"Connection: close\r\n\r\n"
LARGE_RESPONSE: Final = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n" + _HOST + b"\r\n"
TIMEOUT: Final = 10.0
"""Timeout of each connection in seconds."""
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


def connect(port: int) -> socket.socket:
    """Connect to a local port."""
    connection = socket.socket()
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        connection.settimeout(TIMEOUT)
        connection.connect(("127.0.0.1", port))
        return connection
    except BaseException:
        connection.close()
        raise


@contextmanager
def hold(port: int, count: int, content: bytes) -> Iterator[HeldConnections]:
    """Open so many connections, send this on each, and hold them until the end of the block."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(connect(port))
            connection.sendall(content)
            connections.append(connection)
        yield HeldConnections(connections)


def request_latency(port: int) -> float:
    """Return how many seconds a request on a new connection takes; the timeout if it fails."""
    started = time.perf_counter()
    try:
        with connect(port) as connection:
            connection.sendall(LAST_REQUEST)
            if not connection.recv(100).startswith(b"HTTP/1.1 200 "):
                return TIMEOUT
    except OSError:
        return TIMEOUT
    return time.perf_counter() - started
