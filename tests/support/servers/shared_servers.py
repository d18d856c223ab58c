"""The servers that all processes of one test run share."""

import os
import threading
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from typing import Any

from tests.support.servers.errors import ServerUnavailable

_CLOSE = "close"


def request(address: str, name: str) -> Any:
    """Call a method of the shared `Servers`; raises ServerUnavailable."""
    with Client(address) as connection:
        connection.send(name)
        result = connection.recv()
    if isinstance(result, ServerUnavailable):
        raise result
    return result


class SharedServers:
    """A thread of the first process of the run, which starts each server at its first request.

    If the process is killed, the thread and its servers end too.
    """

    def __init__(self) -> None:
        self._listener = Listener(family="AF_UNIX")
        self.address = str(self._listener.address)
        # A test may change the environment of its process.
        self._environ = dict(os.environ)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the servers, and wait until they have stopped."""
        request(self.address, _CLOSE)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        # Imported at the first request: most runs of single tests need no server.
        servers: Any = None
        name = ""
        with ExitStack() as stack:
            while name != _CLOSE:
                # An interrupted client does not wait for the response.
                with suppress(OSError, EOFError), self._listener.accept() as connection:
                    name = connection.recv()
                    if servers is None and name in ("mongo", "s3"):
                        from tests.support.servers.servers import Servers

                        servers = stack.enter_context(Servers(self._environ))
                    try:
                        connection.send(getattr(servers, name, list)())
                    except ServerUnavailable as error:
                        connection.send(error)
