"""An imaginary provider on this machine: its API on a port of 127.0.0.1."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class ProviderAnswer(NamedTuple):
    """A response of the provider."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"


class ProviderServer(ThreadingHTTPServer):
    """Serves in threads until the end of the block."""

    request_queue_size = 128

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.is_closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables with which the adapter uses this server."""
        raise NotImplementedError

    def answer(
        self, method: str, path: str, headers: Message, body: bytes
    ) -> ProviderAnswer | None:
        """Return the response to a request, or None if there will never be one."""
        raise NotImplementedError

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
        answer = self.server.answer(self.command, self.path, self.headers, body)
        if answer is None:
            self.server.is_closing.wait()
            return
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 -- the same

    def log_message(self, *_: Any) -> None:
        """Log nothing: requests have phone numbers."""


def run_with(server: ProviderServer) -> int:
    """Run the command of the arguments while a provider serves, and return its exit code."""
    with server:
        command, environ = sys.argv[1:], {**os.environ, **server.environ}
        return subprocess.run(command, env=environ, check=False).returncode
