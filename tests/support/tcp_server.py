"""A TCP server of a test, in threads: asyncio leaves connections open whose handshake failed."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_TIMEOUT_SECONDS = 10


@contextmanager
def open_tcp_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port on 127.0.0.1. Each connection has a thread, which has ended at the end.

    A connection ends with `serve`, also when this raises OSError, as a failed handshake does.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(_TIMEOUT_SECONDS)
            with suppress(OSError):
                serve(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
