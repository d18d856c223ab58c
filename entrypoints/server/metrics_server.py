"""The port of metrics, which is apart from that of the API: granian serves one address only."""

import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog

from adapters.shared.threads import start_thread
from entrypoints.settings.values import Bind

_PATH: Final = "/metrics"
_REQUEST: Final[WSGIEnvironment] = {"REQUEST_METHOD": "GET", "PATH_INFO": _PATH}
"""Request for `render`. A client's headers and query could choose another format."""
_CONNECTION_TIMEOUT: Final = 10.0
"""Seconds for a connection as a whole, however its client sends and reads."""
_MAX_CONNECTIONS: Final = 8
"""Connections of a worker. More are closed at once."""

_log = structlog.get_logger()


@contextmanager
def serve_metrics(bind: Bind, render: WSGIApplication) -> Iterator[None]:
    """Serve `GET /metrics` in threads until the end of the block. Everything else is a 404.

    - Open it in a worker: its threads do not outlive a fork.
    - Every worker listens on the same port, and the kernel chooses one for each connection.
    - It serves also while the event loop is blocked.
    """
    with _MetricsServer(bind, render) as server:
        start_thread("metrics", server.serve_forever)
        try:
            yield
        finally:
            # `shutdown` waits for the thread, which this wakes.
            server.socket.shutdown(socket.SHUT_RDWR)
            server.shutdown()


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # the head is written in parts

    def log_message(self, *_: object) -> None:
        """Log no request."""


class _MetricsServer(ThreadingMixIn, WSGIServer):
    """A server with a thread for each connection.

    A connection whose time is over is shut down. That ends what its thread waits for: a timeout of
    the socket would begin again with each byte.
    """

    allow_reuse_port = True
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, bind: Bind, render: WSGIApplication) -> None:
        self.address_family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
        self._render: Callable[..., Iterable[bytes]] = render
        self._deadlines: dict[socket.socket, float] = {}
        super().__init__((bind.host, bind.port), _Handler)
        self.set_app(self._respond)

    def server_bind(self) -> None:
        """Listen as `asyncio` does, and without looking up the name of the host."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def verify_request(self, *_: object) -> bool:
        return len(self._deadlines) < _MAX_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        self._deadlines[request] = time.monotonic() + _CONNECTION_TIMEOUT
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._deadlines.pop(request, None)
        super().close_request(request)

    def service_actions(self) -> None:
        """Shut down the connections whose time is over. It is called twice a second."""
        for request, deadline in list(self._deadlines.items()):
            if deadline <= time.monotonic() and self._deadlines.pop(request, 0):
                _log.warning("metrics_not_sent", seconds=_CONNECTION_TIMEOUT)
                with suppress(OSError):  # its client was faster
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        if not isinstance(error := sys.exc_info()[1], OSError):
            _log.error("metrics_failed", exc_info=error)

    def _respond(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD") or environ["PATH_INFO"] != _PATH:
            start_response("404 Not Found", [])
            return []
        head: list[Any] = []
        try:
            [body] = self._render(_REQUEST, lambda *args: head.extend(args))
        except Exception as error:  # noqa: BLE001 - the next request tries again
            _log.error("metrics_failed", exc_info=error)
            start_response("500 Internal Server Error", [])
            return []
        status, headers = head
        # The response to HEAD has the length of the body that it leaves out.
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body] if method == "GET" else []
