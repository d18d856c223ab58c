"""The process that has the servers of one test run.

    python -m tests.support.servers.shared_servers_process <file descriptor> <folder>

The file descriptor is that of a listening socket. A request is a line with the name of a server,
a response is a line of JSON. The process stops the servers, deletes the folder and exits when its
standard input is closed: then the run has ended, in whichever way.
"""

import json
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.process import exit_on_signals
from tests.support.servers.servers import Servers


def main(file_descriptor: int, folder: str) -> None:
    exit_on_signals(signal.SIGTERM)
    has_ended = threading.Event()
    threading.Thread(target=_wait_for_end_of_run, args=(has_ended,), daemon=True).start()
    try:
        with Servers(os.environ) as servers, socket.socket(fileno=file_descriptor) as listener:
            while True:
                connection, _ = listener.accept()
                serve(servers, connection)
    finally:
        # Before the end of the run, the log in the folder has the error.
        if has_ended.is_set():
            shutil.rmtree(folder)


def serve(servers: Servers, connection: socket.socket) -> None:
    # An interrupted client does not wait for the response.
    with suppress(OSError), connection, connection.makefile("rw") as stream:
        stream.write(json.dumps(respond_to(servers, stream.readline().strip())))


def respond_to(servers: Servers, name: str) -> Mapping[str, Any]:
    """Return the response to a test process."""
    try:
        match name:
            case "mongo":
                return {"url": servers.mongo()}
            case "s3":
                return asdict(servers.s3())
            case _:
                return {"report": servers.report}
    except ServerUnavailable as error:
        return {"error": str(error)}


def _wait_for_end_of_run(has_ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    has_ended.set()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
