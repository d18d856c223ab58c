"""Servers on ports of 127.0.0.1: HTTP whose behavior a test sets, and a TCP proxy."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from itertools import chain, repeat
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from tests.support.servers.process import wait_until

_TIMEOUT: Final = 10
"""Seconds of a call of a socket of `open_tcp_server`."""
_NO_HEADERS: Final[Mapping[str, str]] = {}


class LocalServer(ThreadingTCPServer):
    """Serves in threads until the end of the block."""

    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128
    allow_reuse_address = True  # by `stop_listening`, while clients still have connections

    def __init__(self, handler: type[BaseRequestHandler]) -> None:
        self.connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), handler)
        self.is_closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = self._make_thread()

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

    def stop_listening(self) -> None:
        """Close all connections, and refuse others until `listen`."""
        self.shutdown()
        self._thread.join()
        self.close_connections()
        self.socket.close()
        # Bound, so that nobody else gets the port meanwhile.
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def listen(self) -> None:
        """Serve again on the same port."""
        self.socket.listen(self.request_queue_size)
        self._thread = self._make_thread()
        self._thread.start()

    def _make_thread(self) -> threading.Thread:
        return threading.Thread(target=self.serve_forever, args=(0.01,))

    def close_connections(self) -> None:
        """Close all connections; the port stays open."""
        for connection in self.connections:
            _shut_down(connection)

    def wait_until_idle(self) -> None:
        """Wait until no connection is open."""
        wait_until(lambda: all(connection.fileno() < 0 for connection in self.connections))

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self.connections.append(connection)
        return connection, client

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that disconnected."""


class TcpProxy(LocalServer):
    """Forwards the connections to a server until it is closed, or as tests of outages want it.

    The author of an adapter may put one before a server, and give the adapter its methods.
    """

    state = "well"
    answers: int | None = None
    """Responses before all others are dropped; None drops none."""

    def __init__(self, url: str) -> None:
        super().__init__(_Forwarding)
        self._url = urlsplit(url)
        self.target = (self._url.hostname or "", self._url.port or 80)
        login, at, _ = self._url.netloc.rpartition("@")
        netloc = f"{login}{at}127.0.0.1:{self.server_address[1]}"
        self.proxied_url = self._url._replace(netloc=netloc).geturl()
        """The URL of the server through this proxy."""

    def add_methods(self, adapter: object) -> None:
        """Give an adapter the methods by which the suites set the state of its provider."""
        for method in (self.provider_is, self.hang_provider):
            setattr(adapter, method.__name__, method)

    def provider_is(self, state: str) -> None:
        """Set what happens to connections. Those that missed a response are closed in the end.

        - `away`: all connections are closed, and new ones at once.
        - `silent`: requests are forwarded, and their responses dropped.
        - `drops`: requests are forwarded, and the connection closed in place of a response.
        """
        if state == "refuses":
            raise NotImplementedError
        self.state, self.answers = state, 0 if state == "silent" else None
        if state in ("away", "well"):
            self.close_connections()

    def hang_provider(self, answers: int = 0) -> None:
        """Forward all requests, and drop each response after so many."""
        self.answers = answers


class _Forwarding(BaseRequestHandler):
    server: TcpProxy

    def handle(self) -> None:
        if self.server.state == "away":
            return
        with socket.create_connection(self.server.target) as target:
            back = threading.Thread(
                target=_forward, args=(target, self.request, self._forwards_response)
            )
            back.start()
            _forward(self.request, target, self._forwards_request)
            back.join()

    def _forwards_request(self, _: bytes) -> bool:
        return True

    def _forwards_response(self, _: bytes) -> bool | None:
        if self.server.state == "drops":
            return False
        if self.server.answers is not None:
            if self.server.answers <= 0:
                return None
            self.server.answers -= 1
        return True


def _forward(
    source: socket.socket, target: socket.socket, is_forwarded: Callable[[bytes], bool | None]
) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            forwards = is_forwarded(data)
            if forwards is None:
                continue
            if not forwards:
                break
            target.sendall(data)
    _shut_down(source)
    _shut_down(target)


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def open_tcp_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a server whose connections each have a thread, and end with `serve`.

    It may raise OSError, as a failed handshake does: asyncio would leave the connection open.
    """

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(_TIMEOUT)
            with suppress(OSError):
                serve(self.request)

    with LocalServer(Handler) as server:
        yield server.server_address[1]


class Request(NamedTuple):
    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.fields)

    @property
    def credentials(self) -> tuple[str, ...]:
        """The name and the secret of Basic authentication."""
        encoded = self.headers.get("Authorization", "").partition(" ")[2]
        return tuple(base64.b64decode(encoded).decode().split(":", 1))


class Exchange(BaseHTTPRequestHandler):
    """The requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait 40 ms for the ACK of the first.
    disable_nagle_algorithm = True
    server: "HttpServer"
    received: Request

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The base class looks for do_GET, do_PUT and so on.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def respond(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        """Send a response, which is complete unless the headers have another length."""
        self.close_connection = "Content-Length" in headers
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.send(body)

    def send(self, data: bytes) -> None:
        """Send these bytes; an OSError, if the client has disconnected, ends the exchange."""
        self.wfile.write(data)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the server closes; return False after the timeout."""
        return self.server.is_closing.wait(seconds)

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.received = Request(self.command, self.path, dict(self.headers.items()), body)
        self.server.requests.append(self.received)
        self.close_connection = True  # unless a complete response is sent
        self.server.behavior(self)


Behavior = Callable[[Exchange], None]


class HttpServer(LocalServer):
    """Records the requests, and behaves as a test sets it."""

    def __init__(self, behavior: Behavior) -> None:
        super().__init__(Exchange)
        self.behavior = behavior
        self.requests: list[Request] = []

    def wait_for_requests(self, count: int = 1) -> None:
        """Wait until the server has received so many requests."""
        wait_until(lambda: len(self.requests) >= count)


def respond_with(
    status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
) -> Behavior:
    """Send a response."""
    return lambda exchange: exchange.respond(status, body, headers)


def in_sequence(*behaviors: Behavior) -> Behavior:
    """Use one behavior for each request; repeat the last one."""
    remaining = chain(behaviors, repeat(behaviors[-1]))

    def behave(exchange: Exchange) -> None:
        next(remaining)(exchange)

    return behave


def close_connection(exchange: Exchange) -> None:
    """Send nothing; then the connection is closed."""


def never_respond(exchange: Exchange) -> None:
    """Send nothing."""
    exchange.wait()


def truncate(status: int, body: bytes) -> Behavior:
    """Send the first half of the body, and close the connection."""

    def behave(exchange: Exchange) -> None:
        exchange.respond(status, body[: len(body) // 2], {"Content-Length": str(len(body))})

    return behave


def drip(status: int) -> Behavior:
    """Send the body one byte at a time, without an end."""

    def behave(exchange: Exchange) -> None:
        exchange.respond(status, headers={"Content-Length": "1000000000"})
        while not exchange.wait(0.01):
            exchange.send(b" ")

    return behave
