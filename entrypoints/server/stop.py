"""What stop signals do in the parent process."""

import signal
import threading
from collections.abc import Callable
from functools import partial

import structlog

from adapters.threads import start_thread
from entrypoints.server.workers import Workers

_log = structlog.get_logger()


class StopSequence:
    """From the first stop signal to the end of the workers.

    1. SIGTERM: readiness fails, and everything is served for the stop delay. Ctrl-C (SIGINT), a
       terminal that is closed (SIGHUP) and a new worker that cannot start skip this.
    2. Nothing new is accepted, and open requests may finish for the drain timeout.
    3. Workers that remain are killed.

    A second signal kills all workers at once, and so does one before any worker has started.
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
        """Wait for the first signal.

        Args:
            workers: they are told about each step.
            delay_seconds: the stop delay.
            drain_seconds: the drain timeout.
            drain: lets granian end all workers.
            kill: kills all workers until granian has ended.
            has_ended: is set when granian has ended.
        """
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
        """Begin to stop, or stop at once if that has begun."""
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
