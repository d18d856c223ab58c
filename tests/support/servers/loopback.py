"""An HTTP server on a port of 127.0.0.1 that does with a request whatever a test wants."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

_NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: the path has its query."""

    method: str
    path: str


class Exchange:
    """A request, its connection, and the end of the server, which nobody may outlast."""

    def __init__(
        self,
        handler: BaseHTTPRequestHandler,
        leaving: threading.Event,
        heard: "Callable[[Exchange], None]",
    ) -> None:
        self._handler = handler
        self._heard = heard
        self.leaving = leaving
        self.asked = Asked(handler.command, handler.path)
        self.headers: Message = handler.headers

    @cached_property
    def body(self) -> bytes:
        """The request's body, read when it is first wanted."""
        body = self._handler.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.__dict__["body"] = body
        self._heard(self)
        return body

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        """Answer as a server does."""
        self.begin(status, len(body), headers)
        if self.asked.method != "HEAD":
            self.send(body)

    def begin(self, status: int, length: int, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        """Answer without the body, of so many bytes."""
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def send(self, data: bytes) -> None:
        """Send these bytes; an OSError, when nobody is there to get them, ends the exchange."""
        self._handler.wfile.write(data)

    def hang_up(self) -> None:
        """Close the connection after what was sent."""
        self._handler.close_connection = True


Behaviour = Callable[[Exchange], None]


class Loopback:
    """Serves in threads of its own until the end of the block, and remembers what was asked."""

    def __init__(self, behaviour: Behaviour, port: int = 0) -> None:
        self.behaviour = behaviour
        self.asked: list[Asked] = []
        self._asking = threading.Condition()
        self._leaving = threading.Event()
        self._server = _Server(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End, and every connection with it; nobody listens any more."""
        self._leaving.set()
        self._server.shutdown()
        self._thread.join()
        self._server.cut()
        self._server.server_close()

    @property
    def connections(self) -> int:
        """How many were made."""
        return len(self._server.ends)

    def hang_up_on_everybody(self) -> None:
        """End every connection, and go on listening."""
        self._server.cut()

    def wait_until_asked(self, times: int = 1) -> None:
        """Return when so many requests have come."""
        with self._asking:
            self._asking.wait_for(lambda: len(self.asked) >= times)

    def wait(self) -> None:
        """Return when it has ended, which it does not by itself."""
        self._thread.join()

    def serve(self, exchange: Exchange) -> None:
        """Do what is wanted with this request."""
        with self._asking:
            self.asked.append(exchange.asked)
            self._asking.notify_all()
        self.behaviour(exchange)

    def heard(self, exchange: Exchange) -> None:
        """Take note of a request that was read to its end."""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: the second would wait 40 ms for the first one's ACK.
            disable_nagle_algorithm = True

            def __getattr__(self, name: str) -> Callable[[], None]:
                # The base class looks for do_GET, do_PUT and so on.
                if name.startswith("do_"):
                    return lambda: loopback.serve(Exchange(self, loopback._leaving, loopback.heard))
                raise AttributeError(name)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.ends: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        end, address = super().get_request()
        self.ends.append(end)
        return end, address

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no error here."""

    def cut(self) -> None:
        """End every connection, whatever it is waiting for."""
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
