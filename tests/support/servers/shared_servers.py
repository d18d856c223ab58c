"""The servers that all processes of one test run share.

The first request starts a process that has the servers (`shared_servers_process.py`), as socket
activation does. A run that requests no server starts no process.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

from tests.support.servers.errors import ServerUnavailable

PROJECT: Final = Path(__file__).parents[3]
STOP_TIMEOUT: Final = 60.0


def request_server(socket_path: Path, name: str) -> dict[str, Any]:
    """Request a server from the process; raises ServerUnavailable with its message."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(socket_path))
            connection.sendall(f"{name}\n".encode())
            received = connection.makefile().read()
        except OSError:
            received = ""
    if not received:
        log = _log(socket_path).read_text()
        raise ServerUnavailable(f"The process of the servers has ended:\n{log}")
    response: dict[str, Any] = json.loads(received)
    if "error" in response:
        raise ServerUnavailable(response["error"])
    return response


class SharedServers:
    """The socket of a run and the process behind it, owned by the first process of the run."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dialtone-tests-"))
        self.socket_path = self._folder / "socket"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket_path))
        self._listener.listen(64)
        self._closing, self._close = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        # A test may change the environment of its process.
        self._environ = dict(os.environ)
        self._starter = threading.Thread(target=self._start_at_first_request, daemon=True)
        self._starter.start()

    def report(self) -> list[str]:
        """Return the version and the source of each server; empty if none was requested."""
        if not self._process:
            return []
        try:
            return list(request_server(self.socket_path, "report")["report"])
        except ServerUnavailable as error:
            return [str(error)]

    def close(self) -> None:
        """Stop the servers, and wait until they have stopped."""
        self._close.close()
        self._starter.join()
        if self._process:
            self._stop(self._process)
        self._closing.close()
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)  # the process has deleted it, if it ran

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        try:
            process.communicate(timeout=STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            # Its servers end with it.
            process.kill()
            process.communicate()

    def _start_at_first_request(self) -> None:
        readable, _, _ = select.select([self._listener, self._closing], [], [])
        if self._closing in readable:
            return
        with _log(self.socket_path).open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.servers.shared_servers_process"),
                    *(str(self._listener.fileno()), str(self._folder)),
                ],
                cwd=PROJECT,
                env=self._environ,
                pass_fds=[self._listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the tests; the process ends after them.
                start_new_session=True,
            )
        # Only the process has the listener now: if it dies, a request fails at once.
        self._listener.close()


def _log(socket_path: Path) -> Path:
    return socket_path.with_name("log")
