"""An HTTP server on a port of 127.0.0.1 whose behavior a test sets."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self

_NO_HEADERS: Final[Mapping[str, str]] = {}


class RequestLine(NamedTuple):
    method: str
    path: str
    """With the query."""


class Exchange(BaseHTTPRequestHandler):
    """The requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait 40 ms for the ACK of the first.
    disable_nagle_algorithm = True
    server: "HttpServer"

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The base class looks for do_GET, do_PUT and so on.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    @property
    def is_closing(self) -> threading.Event:
        return self.server.is_closing

    @cached_property
    def body(self) -> bytes:
        """The body of the request, read at the first access."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.__dict__["body"] = body
        self.server.record(self)
        return body

    def respond(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        """Send a complete response."""
        self.send_head(status, len(body), headers)
        if self.command != "HEAD":
            self.send(body)

    def send_head(self, status: int, length: int, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        """Send the status and headers of a response whose body has this length."""
        self.send_response_only(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        """Send these bytes; an OSError, if the client has disconnected, ends the exchange."""
        self.wfile.write(data)

    def close(self) -> None:
        """Close the connection after the bytes that were sent."""
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        self.__dict__.pop("body", None)
        self.server.serve(self)


Behavior = Callable[[Exchange], None]


class HttpServer(ThreadingHTTPServer):
    """Serves in threads until the end of the block, and records the requests."""

    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128

    def __init__(self, behavior: Behavior, port: int = 0) -> None:
        self._connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", port), Exchange)
        self.behavior = behavior
        self.received: list[RequestLine] = []
        self.is_closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._has_received = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port and all connections."""
        self.is_closing.set()
        self.shutdown()
        self._thread.join()
        self.close_connections()
        self.server_close()

    @property
    def connections(self) -> int:
        """The number of all connections so far."""
        return len(self._connections)

    def close_connections(self) -> None:
        """Close all connections; the port stays open."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def wait_for_requests(self, count: int = 1) -> None:
        """Wait until the server has received so many requests."""
        with self._has_received:
            self._has_received.wait_for(lambda: len(self.received) >= count)

    def serve(self, exchange: Exchange) -> None:
        """Handle one request with the behavior that is set."""
        with self._has_received:
            self.received.append(RequestLine(exchange.command, exchange.path))
            self._has_received.notify_all()
        self.behavior(exchange)

    def record(self, exchange: Exchange) -> None:
        """Record a request whose body was read; for subclasses."""

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self._connections.append(connection)
        return connection, client

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that disconnected."""
