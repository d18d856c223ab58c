"""granian, with one process for each worker."""

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
from granian.server import MPServer, MTServer

from adapters.logging import logging_config
from entrypoints.bind import Bind
from entrypoints.server.descriptors import max_connections, raise_descriptor_limit
from entrypoints.server.plan import ServicePlan
from entrypoints.server.signals import handle_signals_in_thread
from entrypoints.server.stop import STOP_SIGNALS, StopSequence
from entrypoints.server.workers import Workers

# Looking up a host name imports this codec. If the thread below imported it while a worker is
# forked, the worker would wait for the import lock forever.
codecs.lookup("idna")

_BACKLOG: Final = 4_096
_KEEP_ALIVE_MILLISECONDS: Final = 40_000
"""How long a connection may be idle. Unfinished heads have less time, see connections.py; slow
readers must be closed there before the server believes that they are idle."""
_MAX_BUFFER_SIZE: Final = 64 * 1024
"""Bytes of a request head, and of a response that a slow reader makes the server keep."""
_START_TIMEOUT: Final = 60
_POLL_INTERVAL: Final = 0.02

_log = structlog.get_logger()


def serve(plan: ServicePlan, bind: Bind, on_listening: Callable[[], None]) -> bool:
    """Serve until stop signals; see `StopSequence`.

    Args:
        plan: the settings of the server.
        bind: the resolved bind address.
        on_listening: called when the server accepts connections.

    Returns:
        False if no worker can start; the reason was printed or logged.

    Raises:
        KeyboardInterrupt: Ctrl-C before any worker had started.
    """
    raise_descriptor_limit()
    server = Granian(
        "entrypoints.server.workers:make_app",
        interface=Interfaces.ASGI,
        address=bind.host,
        port=bind.port,
        workers=plan.workers,
        backlog=_BACKLOG,
        backpressure=max_connections(),
        # HTTP/2 has no advantage behind a proxy, and more attack surface.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_KEEP_ALIVE_MILLISECONDS, max_buffer_size=_MAX_BUFFER_SIZE
        ),
        websockets=False,
        respawn_failed_workers=True,
        # The banner replaces granian's info messages. A lower level here would log them again.
        log_level=LogLevels.warning,
        log_dictconfig=logging_config(plan.log_level, plan.log_format),
    )
    workers = Workers(plan.drain_seconds)
    os.register_at_fork(after_in_child=workers.set_up_process)
    has_ended = threading.Event()
    stop = StopSequence(
        workers,
        plan.stop_delay_seconds,
        drain=server.signal_handler_interrupt,
        kill=lambda: _kill(server, has_ended),
    )
    server.on_startup(lambda: handle_signals_in_thread(STOP_SIGNALS, stop.handle))
    server.on_startup(lambda: _start_listening_check(bind, on_listening))
    server.serve(target_loader=workers.make_app, wrap_loader=False)
    has_ended.set()
    if stop.is_interrupted:
        raise KeyboardInterrupt
    return not workers.cannot_start


def _kill(server: MPServer | MTServer, has_ended: threading.Event) -> None:
    # Again and again: the server may be starting workers.
    while not has_ended.wait(_POLL_INTERVAL):
        for worker in tuple(server.wrks):
            worker.kill()  # type: ignore[no-untyped-call]  # granian's


def _start_listening_check(bind: Bind, on_listening: Callable[[], None]) -> None:
    # granian has no event for "the workers listen now", so a thread tries to connect.
    def wait_until_listening() -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            try:
                socket.create_connection((bind.local_host, bind.port), timeout=1).close()
            except OSError:
                time.sleep(_POLL_INTERVAL)
            else:
                on_listening()
                return

    threading.Thread(target=wait_until_listening, daemon=True).start()
