"""The worker processes: their start and their end."""

import asyncio
import ctypes
import gc
import mmap
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from application.ports.errors import ConfigurationError, PortError
from entrypoints.http.library.upload_limiter import open_lock_file
from entrypoints.optional_imports import without_packages
from entrypoints.server.worker_stop import WorkerStop, block_sigterm, unblock_sigterm
from entrypoints.startup_error import StartupError, print_errors

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from entrypoints.http.middleware import App, Message, Receive, Scope, Send

_PR_SET_PDEATHSIG: Final = 1
_GC_THRESHOLDS: Final = (5_000, 20, 100)
"""How many new objects, and collections of younger objects, start a collection. By default,
collections of all objects took 15 ms, several times a second, and found nothing."""
_CANNOT_START, _HAS_STARTED, _IS_STOPPING, _IS_DRAINING = range(4)
"""Offsets of the flags that all processes share."""

_log = structlog.get_logger()


class Workers:
    """What master process and workers share, and how a worker starts and ends.

    granian respawns a worker that crashes, and stops if the new one crashes soon after. It cannot
    do the rest:

    - A worker that cannot start stops the service with its reason, because the next one could not
      start either. granian tries again for ever if that takes more than 5 s. Before any worker has
      started, one of them prints the reason as all commands do, and all wait to be killed.
    - A worker exits with the master process. Only the master process reacts to Ctrl-C.
    """

    def __init__(self, drain_timeout: float) -> None:
        """Create the shared state, in the master process.

        Args:
            drain_timeout: the seconds in which open requests may finish.
        """
        self.drain_timeout = drain_timeout
        self._master_process = os.getpid()
        # Memory that the master process and all workers share.
        self._flags = mmap.mmap(-1, 4)
        self._upload_lock_file = open_lock_file()
        # One byte, which one of the workers reads.
        self._token, writing = os.pipe()
        os.write(writing, b"1")
        os.set_blocking(self._token, False)

    @property
    def has_started(self) -> bool:
        """Whether a worker has opened everything."""
        return self._flags[_HAS_STARTED] != 0

    @property
    def cannot_start(self) -> bool:
        """Whether a worker could not start."""
        return self._flags[_CANNOT_START] != 0

    def mark_started(self) -> bool:
        """Note that a worker has opened everything; return whether it is the first one."""
        self._flags[_HAS_STARTED] = 1
        return self._take_token()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop signal has arrived."""
        return self._flags[_IS_STOPPING] != 0

    def begin_stop(self) -> None:
        """Let readiness fail, in all workers."""
        self._flags[_IS_STOPPING] = 1

    @property
    def is_draining(self) -> bool:
        """Whether all workers end, as soon as their open requests have finished."""
        return self._flags[_IS_DRAINING] != 0

    def begin_drain(self) -> None:
        """Let each worker end at the next SIGTERM, whoever sends it."""
        self._flags[_IS_DRAINING] = 1

    def set_up_process(self) -> None:
        """Set up a forked worker process, before anything else runs in it."""
        if os.getppid() != self._master_process:
            unblock_sigterm()
            return  # a process that a worker has forked
        # It has inherited the master's signal handlers, which do nothing here, and its wake-up fd:
        # a signal of the worker would stop the master process.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        block_sigterm()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _exit_with_parent()

    def make_app(self) -> "App":
        """Make the application in a worker; if that fails, log the reason and exit."""
        try:
            stop = WorkerStop(
                lambda: self.is_stopping,
                lambda: self.is_draining,
                self.drain_timeout,
            )
            # Collections while the application is imported cost a fifth of its time.
            gc.disable()
            with without_packages("rich", "click"):
                # The master process does not import the application.
                from entrypoints.server.worker_app import make_app

                app = make_app(self._upload_lock_file, stop, self.mark_started)
        except Exception as error:  # noqa: BLE001 - it is logged, and the process exits
            self._stop_service(error)
            raise SystemExit(1) from None

        def call_app(scope: "Scope", receive: "Receive", send: "Send") -> "Awaitable[None]":
            if scope["type"] == "lifespan":
                return self._run_lifespan(app, scope, receive, send)
            return app(scope, receive, send)

        return call_app

    async def _run_lifespan(
        self, app: "App", scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        # A terminal sends Ctrl-C to all processes. A worker that exits before the master process
        # stops it would count as crashed.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        has_started = False

        async def send_unless_failed(message: "Message") -> None:
            nonlocal has_started
            if message["type"] == "lifespan.startup.complete":
                has_started = True
                # What exists now stays: no collection has to look at it.
                gc.freeze()
                gc.set_threshold(*_GC_THRESHOLDS)
                gc.enable()
            if message["type"] != "lifespan.startup.failed":
                await send(message)

        try:
            await app(scope, receive, send_unless_failed)
        except Exception as error:
            if has_started:
                raise
            self._stop_service(error)
            await send({"type": "lifespan.startup.failed", "message": ""})

    def _take_token(self) -> bool:
        try:
            return bool(os.read(self._token, 1))
        except BlockingIOError:
            return False

    def _stop_service(self, error: Exception) -> None:
        has_started = self.has_started
        if has_started or self._take_token():
            _report(error, is_start=not has_started)
        self._flags[_CANNOT_START] = 1
        if os.getppid() != self._master_process:
            return
        os.kill(self._master_process, signal.SIGTERM)
        while not has_started:
            # granian would log an unexpected exit. The master process kills this one.
            time.sleep(1)


def _report(error: Exception, *, is_start: bool) -> None:
    expected = _find_expected(error)
    if expected is None:
        _log.critical("worker_start_failed", exc_info=error)
    elif is_start:
        print_errors(str(expected))
    else:
        _log.critical("worker_start_failed", reason=str(expected))


def _find_expected(error: BaseException) -> BaseException | None:
    """Return the error with a message for the operator, if there is one."""
    if isinstance(error, BaseExceptionGroup):  # Litestar groups the errors of a lifespan
        return next(filter(None, map(_find_expected, error.exceptions)), None)
    return error if isinstance(error, StartupError | ConfigurationError | PortError) else None


def _exit_with_parent() -> None:
    # An orphaned worker would keep the port. Only Linux has this call; elsewhere the process
    # supervisor stops the whole group.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
