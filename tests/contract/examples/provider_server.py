"""An imaginary provider on this machine: its API on a port of 127.0.0.1."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self

from tests.contract.examples.provider_failures import DROPS, FAILURE_PATH, HANGS


class ProviderAnswer(NamedTuple):
    """A response of the provider."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"


_PIECE: Final = 65_536


class ProviderServer(ThreadingHTTPServer):
    """Serves in threads until the end of the block.

    Attributes:
        failure: How its answers are lost: `HANGS`, `DROPS` or a status; empty if they are not. It
            does what a request asks for.
        error: The error code with which it rejects messages and calls, empty if it does not.
    """

    request_queue_size = 128

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.failure = self.error = ""
        self.is_closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables with which the adapter uses this server."""
        raise NotImplementedError

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> ProviderAnswer:
        """Do what a request asks for, and return the response."""
        raise NotImplementedError

    def begin_failure(self, failure: str) -> None:
        """Begin a failure or an error, or end it by an empty text."""
        is_lost = failure in ("", HANGS, DROPS) or failure.isdecimal()
        self.failure, self.error = (failure, "") if is_lost else ("", failure)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that disconnected."""


class _Exchange(BaseHTTPRequestHandler):
    """One request. Its connection is closed after the response, as by HTTP/1.0."""

    server: ProviderServer

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == FAILURE_PATH:
            self.server.begin_failure(body.decode())
            self._send(ProviderAnswer(204))
            return
        answer = self.server.answer(self.command, self.path, self.headers, body)
        failure = self.server.failure
        if failure == HANGS:
            self.server.is_closing.wait()
        elif not failure:
            self._send(answer)
        elif failure != DROPS:
            self._send(ProviderAnswer(int(failure)))

    def _send(self, answer: ProviderAnswer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        for start in range(0, len(answer.body), _PIECE):
            if self.server.failure == DROPS:
                return
            self.wfile.write(answer.body[start : start + _PIECE])

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 -- the same

    def log_message(self, *_: Any) -> None:
        """Log nothing: requests have phone numbers."""


def run_with(server: ProviderServer) -> int:
    """Run the command of the arguments while a provider serves, and return its exit code."""
    with server:
        command, environ = sys.argv[1:], {**os.environ, **server.environ}
        return subprocess.run(command, env=environ, check=False).returncode
