"""granian, with one process for each worker, until stop signals."""

import codecs
import math
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Set
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer, MTServer

from adapters.operations.logging import flush_log, logging_config
from adapters.shared.threads import start_thread
from application.limits.file_reads import MAX_READS
from entrypoints.server.banner import BannerParts
from entrypoints.server.workers import STOP_SIGNALS, Workers
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Bind

if TYPE_CHECKING:
    from entrypoints.http.requests.middleware import AsgiApp


MAX_CONNECTIONS: Final = 16_384
"""Open connections per worker. More wait in the backlog of the listening socket."""
_RESERVED: Final = 512 + MAX_READS
"""Descriptors for database, media store, temporary files and everything else."""
_MIN_CONNECTIONS: Final = 64

_log = structlog.get_logger()


def raise_descriptor_limit() -> None:
    """Raise the soft limit as far as it is needed and allowed; warn if that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _RESERVED
    if _is_enough(soft, wanted):
        return
    limit = wanted if _is_enough(hard, wanted) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < wanted:
        _log.warning(
            "descriptor_limit_low",
            limit=limit,
            consequence=f"a worker serves at most {max_connections()} connections",
            fix=f"raise the hard limit: ulimit -Hn {wanted}, LimitNOFILE={wanted} (systemd) or "
            f"--ulimit nofile={wanted} (docker run)",
        )


def max_connections() -> int:
    """Return how many connections one worker may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_enough(soft, MAX_CONNECTIONS + _RESERVED):
        return MAX_CONNECTIONS
    return max(_MIN_CONNECTIONS, soft - min(_RESERVED, soft // 2))


def _is_enough(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted


# Looking up a host name imports this codec. If the thread below imported it while a worker is
# forked, the worker would wait for the import lock forever.
codecs.lookup("idna")

_BACKLOG: Final = 4_096
_HEADER_TIMEOUT_MILLISECONDS: Final = 15_000
"""Time for a request head, and for an idle connection until the end of its next one."""
_MAX_BUFFER_SIZE: Final = 64 * 1024
"""Bytes of a request head, and of a response that a slow reader makes the server keep."""
_SLOW_START: Final = 60
"""Seconds after which the log says that no worker listens yet."""
_POLL_INTERVAL: Final = 0.02
_KILL_INTERVAL: Final = 0.2
_KILLS: Final = 50
"""A killed process ends at once, unless the kernel waits for a disk in its name. Then a supervisor
could not start another service before it gives up on this one."""


def serve(
    settings: Settings,
    bind: Bind,
    on_listening: Callable[[BannerParts], None],
    metrics_bind: Bind | None = None,
) -> bool:
    """Serve until stop signals; see `StopSequence`.

    `on_listening` is called when the server accepts connections, with what workers add to the
    banner.

    Returns:
        False if a worker cannot start; the reason was printed or logged.

    Raises:
        KeyboardInterrupt: Ctrl-C before any worker had started.
    """
    # Before any thread that takes signals: `_handle_signals` waits for them. Workers inherit it.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    awaited = {*STOP_SIGNALS}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup
        awaited.remove(signal.SIGHUP)
    raise_descriptor_limit()
    drain_seconds = settings.drain_timeout.total_seconds()
    server = Granian(
        "entrypoints.server.serve:_make_app",
        interface=Interfaces.ASGI,
        address=bind.host,
        port=bind.port,
        workers=settings.workers,
        backlog=_BACKLOG,
        backpressure=max_connections(),
        # HTTP/2 has no advantage behind a proxy, and more attack surface.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_TIMEOUT_MILLISECONDS, max_buffer_size=_MAX_BUFFER_SIZE
        ),
        websockets=False,
        respawn_failed_workers=True,
        # The banner replaces granian's info messages. A lower level here would log them again.
        log_level=LogLevels.warning,
        log_dictconfig=logging_config(settings.log_level),
    )
    workers = Workers()
    os.register_at_fork(after_in_child=workers.set_up_process)
    has_ended = threading.Event()
    stop = StopSequence(
        workers,
        settings.stop_delay.total_seconds(),
        drain_seconds,
        drain=server.signal_handler_interrupt,
        kill=lambda: _kill(server, has_ended),
        has_ended=has_ended,
    )
    # Without it no signal would stop the service.
    start_thread("signals", partial(_handle_signals, stop, awaited), is_vital=True)
    wait = partial(
        _wait_until_listening, bind, lambda: on_listening(workers.read_banner()), has_ended
    )
    server.on_startup(lambda: start_thread("start", wait))
    server.serve(
        target_loader=partial(_make_app, settings, workers, metrics_bind), wrap_loader=False
    )
    has_ended.set()
    if stop.is_interrupted:
        raise KeyboardInterrupt
    return not workers.cannot_start


class StopSequence:
    """The stop delay, the drain, and the kill of the workers that remain.

    SIGTERM begins with the delay. Ctrl-C (SIGINT), a terminal that is closed (SIGHUP) and a new
    worker that cannot start skip it. A second signal, or one before any worker has started, kills
    all workers at once.
    """

    def __init__(
        self,
        workers: Workers,
        delay_seconds: float,
        drain_seconds: float,
        *,
        drain: Callable[[], None],
        kill: Callable[[], None],
        has_ended: threading.Event,
    ) -> None:
        self._workers = workers
        self._delay_seconds = delay_seconds
        self._drain_seconds = drain_seconds
        self._drain = drain
        self._kill = kill
        self._has_ended = has_ended
        self._has_begun = False
        self._is_draining = False
        self.is_interrupted = False
        """Whether Ctrl-C came before any worker had started."""

    def handle(self, number: signal.Signals) -> None:
        # Workers that cannot start send signals too, each of them one.
        if not self._workers.has_started:
            self.is_interrupted = number is signal.SIGINT
            self._stop_at_once()
        elif self._workers.cannot_start:
            self._end_workers()
        elif self._has_begun:
            _log.warning("service_stop_forced", signal=number.name)
            self._stop_at_once()
        else:
            self._has_begun = True
            delay_seconds = self._delay_seconds if number is signal.SIGTERM else 0.0
            self._workers.begin_stop()
            _log.info(
                "service_stopping",
                signal=number.name,
                delay_seconds=delay_seconds,
                drain_timeout_seconds=self._drain_seconds,
            )
            wait = partial(self._end_workers_after, delay_seconds)
            start_thread("stop-delay", wait, is_vital=True)

    def _stop_at_once(self) -> None:
        self._end_workers()
        self._kill()

    def _end_workers_after(self, seconds: float) -> None:
        if not self._has_ended.wait(seconds):
            self._end_workers()

    def _end_workers(self) -> None:
        if self._is_draining:
            return
        self._is_draining = True
        self._workers.begin_stop()
        self._workers.begin_drain()
        self._drain()
        start_thread("drain-timeout", self._kill_remaining, is_vital=True)

    def _kill_remaining(self) -> None:
        if not self._has_ended.wait(self._drain_seconds):
            _log.warning("workers_killed", drain_timeout_seconds=self._drain_seconds)
            self._kill()


def _make_app(settings: Settings, workers: Workers, metrics_bind: Bind | None) -> "AsgiApp":
    try:
        # The parent process does not import the application.
        from entrypoints.server.worker_app import make_app

        return make_app(settings, workers, metrics_bind)
    except Exception as error:  # noqa: BLE001 - it is reported, and the process exits
        workers.stop_service(error)


def _handle_signals(stop: StopSequence, awaited: Set[signal.Signals]) -> None:
    # Use a thread: Python's own handlers run in the main thread, which waits for an event of
    # granian. A signal that arrives in another thread, or just before it waits, does not wake it.
    while True:
        stop.handle(signal.Signals(signal.sigwait(awaited)))


def _kill(server: MPServer | MTServer, has_ended: threading.Event) -> None:
    # Not by granian's own timeout: it may report that a worker refused to end which has just ended.
    workers = set(server.wrks)
    # Again and again: the server may be starting workers. Not at once: it would report the end of a
    # worker that it has not yet told to end.
    for _ in range(_KILLS):
        is_last = has_ended.wait(_KILL_INTERVAL)
        workers |= set(server.wrks)
        for worker in workers:
            worker.kill()  # type: ignore[no-untyped-call]  # granian's
        if is_last:
            return
    # granian waits for them without a limit.
    _log.critical("workers_not_ended", seconds=round(_KILLS * _KILL_INTERVAL))
    flush_log()
    os._exit(1)


def _wait_until_listening(
    bind: Bind, on_listening: Callable[[], None], has_ended: threading.Event
) -> None:
    # granian has no event for "the workers listen now".
    warn_at = time.monotonic() + _SLOW_START
    while not has_ended.is_set():
        try:
            socket.create_connection((bind.local_host, bind.port), timeout=1).close()
        except OSError:
            time.sleep(_POLL_INTERVAL)
        else:
            on_listening()
            return
        if time.monotonic() > warn_at:
            warn_at = math.inf
            _log.warning("service_start_slow", seconds=_SLOW_START)
