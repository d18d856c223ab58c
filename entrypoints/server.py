"""The HTTP server: granian, with one process for each worker."""

import codecs
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from entrypoints.logs import log_config
from entrypoints.settings import Settings
from entrypoints.settings.values import Bind
from entrypoints.workers import Workers

# Names of hosts are encoded by a codec that is imported when the first is looked up. Were that in
# the thread below while a worker is forked, it would wait for the import's lock for ever.
codecs.lookup("idna")

_HEADER_TIMEOUT: Final = 30_000
"""Milliseconds in which a request's head has to arrive."""
_LONGEST_START: Final = 60
_BETWEEN_LOOKS: Final = 0.02
_LONGEST_STOP: Final = 8
"""Seconds that requests under way are given to finish: Docker kills after ten."""

_log = structlog.get_logger()


def serve(settings: Settings, address: Bind, announce: Callable[[], None]) -> bool:
    """Serve until a signal says stop; requests under way then finish.

    `announce` is called as soon as connections are accepted. Gives False when no worker could
    be started; the log says why.
    """
    server = Granian(
        "entrypoints.asgi:make_app",
        interface=Interfaces.ASGI,
        address=address.host,
        port=address.port,
        workers=settings.workers,
        # Behind a proxy HTTP/2 brings nothing, and it is a wider door.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_TIMEOUT),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_LONGEST_STOP,
        # Its news are the banner's; its own level would bring them back.
        log_level=LogLevels.warning,
        log_dictconfig=log_config(settings.log_level, settings.log_format),
    )
    workers = Workers(settings.workers)
    service = os.getpid()

    def count_start() -> None:
        if os.getpid() != service:
            return
        server.respawn_failed_workers = workers.started()
        if not server.respawn_failed_workers:
            _log.critical("Workers end again and again: after the next the service ends too")

    os.register_at_fork(after_in_parent=count_start, after_in_child=workers.begin)
    server.on_startup(lambda: _when_accepting(address, announce))
    server.serve(target_loader=workers.make_app, wrap_loader=False)
    return not workers.cannot_start


def _when_accepting(address: Bind, announce: Callable[[], None]) -> None:
    # Workers begin to listen by themselves and tell nobody, so that has to be found out.
    def wait() -> None:
        end = time.monotonic() + _LONGEST_START
        while time.monotonic() < end:
            try:
                socket.create_connection((address.local_host, address.port), timeout=1).close()
            except OSError:
                time.sleep(_BETWEEN_LOOKS)
            else:
                announce()
                return

    threading.Thread(target=wait, daemon=True).start()
