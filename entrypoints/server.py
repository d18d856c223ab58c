"""The HTTP server: granian, with one process for each worker."""

import ctypes
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from entrypoints.asgi import make_app
from entrypoints.bootstrap import StartRefused
from entrypoints.http.edge import Edge
from entrypoints.logs import log_config
from entrypoints.settings import Settings
from entrypoints.settings.kinds import Bind

_SET_DEATH_SIGNAL: Final = 1
_HEADER_TIMEOUT: Final = 30_000
"""Milliseconds in which a request's head has to arrive."""
_LONGEST_START: Final = 60
_BETWEEN_LOOKS: Final = 0.02
_LONGEST_STOP: Final = 30
"""Seconds that requests under way are given to finish."""


def serve(settings: Settings, announce: Callable[[], None]) -> None:
    """Serve until a signal says stop; requests under way then finish.

    `announce` is called as soon as connections are accepted.
    """
    server = Granian(
        "entrypoints.server:make_worker_app",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.bind.host,
        port=settings.bind.port,
        workers=settings.workers,
        # Behind a proxy HTTP/2 brings nothing, and it is a wider door.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_TIMEOUT),
        websockets=False,
        workers_kill_timeout=_LONGEST_STOP,
        # Its news are the banner's; its own level would bring them back.
        log_level=LogLevels.warning,
        log_dictconfig=log_config(settings.log_level, settings.log_format),
    )
    server.on_startup(lambda: _when_accepting(settings.bind, announce))
    server.serve()


def make_worker_app() -> Edge:
    """Make the application in a worker process, which ends when its parent is killed."""
    _die_with_parent()
    return make_app()


def check_address_is_free(bind: Bind) -> None:
    """Raise StartRefused when somebody else listens there, or nobody may."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.host, bind.port))
        except OSError as error:
            raise StartRefused(
                f"Cannot listen at {bind}: {os.strerror(error.errno or 0).lower()}. "
                "Stop what listens there, or set DIALTONE_BIND to another, like 127.0.0.1:8001."
            ) from error


def _when_accepting(bind: Bind, announce: Callable[[], None]) -> None:
    # Workers begin to listen by themselves and tell nobody, so that has to be found out.
    def wait() -> None:
        end = time.monotonic() + _LONGEST_START
        while time.monotonic() < end:
            try:
                socket.create_connection((bind.local_host, bind.port), timeout=1).close()
            except OSError:
                time.sleep(_BETWEEN_LOOKS)
            else:
                announce()
                return

    threading.Thread(target=wait, daemon=True).start()


def _die_with_parent() -> None:
    # A worker left behind by a killed parent would keep the address taken. Linux only: elsewhere
    # there is no such call, and the operator's supervisor ends the group.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
