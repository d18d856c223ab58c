"""The process that holds the servers of one test run, for all processes of that run.

    python -m tests.support.servers.keeper <number of an open listening socket> <folder of the desk>

A line that names what is wanted gets a line of JSON. It ends, and the servers and the desk with it,
as soon as its standard input does: that is when the run is over, in whatever manner it ended.
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

from tests.support.servers.leaving import leave_at
from tests.support.servers.refusals import NoServer
from tests.support.servers.servers import Servers


def main(listening: int, folder: str) -> None:
    leave_at(signal.SIGTERM)
    over = threading.Event()
    threading.Thread(target=_wait_for_the_end_of_the_run, args=(over,), daemon=True).start()
    try:
        with Servers(os.environ) as servers, socket.socket(fileno=listening) as desk:
            while True:
                visitor, _ = desk.accept()
                serve(servers, visitor)
    finally:
        # Before that, somebody may want to read what went wrong here.
        if over.is_set():
            shutil.rmtree(folder)


def serve(servers: Servers, visitor: socket.socket) -> None:
    # One that was interrupted does not stay for the answer.
    with suppress(OSError), visitor, visitor.makefile("rw") as line:
        line.write(json.dumps(answer(servers, line.readline().strip())))


def answer(servers: Servers, wanted: str) -> Mapping[str, Any]:
    """What a test process is told."""
    try:
        match wanted:
            case "mongo":
                return {"url": servers.mongo()}
            case "s3":
                return asdict(servers.s3())
            case _:
                return {"told": servers.told}
    except NoServer as refusal:
        return {"refusal": str(refusal)}


def _wait_for_the_end_of_the_run(over: threading.Event) -> None:
    sys.stdin.buffer.read()
    over.set()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
