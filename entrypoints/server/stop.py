"""What stop signals do in the master process."""

import signal
import threading
from collections.abc import Callable
from typing import Final

import structlog

from entrypoints.server.workers import Workers

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
CLOSE_TIMEOUT: Final = 3
"""Seconds for a worker to close everything after the drain timeout."""

_log = structlog.get_logger()


class StopSequence:
    """From the first stop signal to the end of the workers.

    1. SIGTERM: readiness fails, and everything is served for the stop delay. Ctrl-C (SIGINT) and a
       worker that cannot start skip this.
    2. Nothing new is accepted, and open requests may finish for the drain timeout.
    3. Workers that remain are killed.

    A second signal kills all workers at once, and so does one before any worker has started.
    """

    def __init__(
        self,
        workers: Workers,
        delay_seconds: float,
        *,
        drain: Callable[[], None],
        kill: Callable[[], None],
    ) -> None:
        """Wait for the first signal.

        Args:
            workers: They are told about each step.
            delay_seconds: The stop delay.
            drain: Lets the server end all workers, and wait for them.
            kill: Kills all workers and waits for the server.
        """
        self._workers = workers
        self._delay_seconds = delay_seconds
        self._drain = drain
        self._kill = kill
        self._timer: threading.Timer | None = None
        self.is_interrupted = False
        """Whether Ctrl-C came before any worker had started."""

    def handle(self, number: signal.Signals) -> None:
        """Begin to stop, or stop at once if that has begun."""
        # Workers that cannot start send signals too, each of them one.
        if not self._workers.has_started:
            self.is_interrupted = number is signal.SIGINT
            self._stop_at_once()
        elif self._workers.cannot_start:
            self._begin_drain()
        elif self._timer is None:
            delay_seconds = self._delay_seconds if number is signal.SIGTERM else 0.0
            self._workers.begin_stop()
            _log.info(
                "service_stopping",
                signal=number.name,
                delay_seconds=delay_seconds,
                drain_timeout_seconds=self._workers.drain_timeout,
            )
            self._start_timer(delay_seconds, self._begin_drain)
        else:
            self._timer.cancel()
            _log.warning("service_stop_forced", signal=number.name)
            self._stop_at_once()

    def _begin_drain(self) -> None:
        if not self._workers.is_draining:
            # The server itself waits without a timeout. With its own one it may report a worker
            # that has just ended as killed: two of its threads wait for the process, one learns
            # its end.
            seconds = self._workers.drain_timeout + CLOSE_TIMEOUT
            self._start_timer(seconds, lambda: self._kill_remaining(seconds))
        self._end_workers()

    def _kill_remaining(self, seconds: float) -> None:
        _log.warning("workers_killed", timeout_seconds=seconds)
        self._kill()

    def _stop_at_once(self) -> None:
        self._end_workers()
        self._kill()

    def _end_workers(self) -> None:
        self._workers.begin_stop()
        self._workers.begin_drain()
        self._drain()

    def _start_timer(self, seconds: float, function: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, function)
        self._timer.daemon = True
        self._timer.start()
