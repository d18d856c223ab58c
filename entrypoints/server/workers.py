"""The worker processes: their start, their application and their end."""

import asyncio
import ctypes
import mmap
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Final

import structlog

from adapters.logging import configure_logging, request_log
from application.ports.errors import ConfigurationError
from application.use_cases import UseCases
from entrypoints.bootstrap import make_webhooks, open_use_cases
from entrypoints.http.app import create_app
from entrypoints.http.deadlines import OpenRequests
from entrypoints.http.library.upload_limiter import open_lock_file
from entrypoints.http.middleware import (
    REQUEST_LOGGER,
    App,
    Message,
    Receive,
    RequestContextMiddleware,
    Scope,
    Send,
)
from entrypoints.http.settings import HttpSettings
from entrypoints.server.background_task import run_in_background
from entrypoints.server.cleanup_task import RETRY_INTERVAL, run_cleanup_task, run_retry_task
from entrypoints.server.connection_task import run_connection_task
from entrypoints.server.connections import OpenConnections
from entrypoints.server.descriptors import max_connections
from entrypoints.server.worker_stop import WorkerStop, block_sigterm, unblock_sigterm
from entrypoints.settings import ENV_FILE, read_settings
from entrypoints.settings.values import Environment
from entrypoints.startup_error import StartupError

_PR_SET_PDEATHSIG: Final = 1
CLOSE_TIMEOUT: Final = 3
"""Seconds for a worker to close everything after the drain timeout."""
_CANNOT_START, _IS_STOPPING, _IS_DRAINING = range(3)
"""Offsets of the flags that all processes share."""

_log = structlog.get_logger()


def make_app(upload_lock_file: int, stop: WorkerStop) -> RequestContextMiddleware:
    """Make the application from the environment and the `.env` file in the current folder.

    Args:
        upload_lock_file: an empty file that all workers share.
        stop: how this worker stops.
    """
    settings = read_settings(os.environ, ENV_FILE)
    configure_logging(settings.log_level, settings.log_format)
    http_settings = HttpSettings(
        version=version("dialtone"),
        public_url=settings.public_url,
        upload_limit=settings.max_upload_size,
        default_region=settings.default_region,
        max_uploads=settings.max_uploads,
        max_spooled_bytes=settings.max_spooled_bytes,
        upload_lock_file=upload_lock_file,
        is_stopping=stop.is_stopping,
        log_request=request_log(REQUEST_LOGGER),
        otp_length=settings.otp_length,
        phone_rules=settings.phone_rules,
        trusted_proxies=settings.trusted_proxies,
        request_limit_per_identity=settings.request_limit_per_identity,
        refresh_limit_per_ip=settings.refresh_limit_per_ip,
        workers=settings.workers,
        web_origins=settings.web_origins,
        webhooks=make_webhooks(settings),
        has_phone_line=settings.has_phone_line,
        has_voice_channel=settings.has_voice_channel,
        keeps_docs_token=settings.env is Environment.DEVELOPMENT,
    )

    open_requests = OpenRequests()
    connections = OpenConnections(
        open_requests,
        settings.bind.port,
        # A proxy has the connections of many clients.
        max_per_ip=None if settings.trusted_proxies else settings.max_connections_per_ip,
        max_total=max_connections() * 3 // 4,
    )

    @asynccontextmanager
    async def open_with_tasks() -> AsyncIterator[UseCases]:
        async with (
            # The first, because a stop signal may arrive while the rest is opened.
            run_in_background(stop.run(connections)),
            open_use_cases(settings) as use_cases,
            run_cleanup_task(use_cases.scheduled_cleanup, settings.cleanup_interval),
            run_retry_task(
                use_cases.retry_deletions, RETRY_INTERVAL if settings.cleanup_interval else None
            ),
            run_connection_task(connections),
        ):
            yield use_cases

    return create_app(open_with_tasks, http_settings, open_requests)


class Workers:
    """What master process and workers share, and how a worker starts and ends.

    granian respawns a worker that crashes, and stops if the new one crashes soon after. It cannot
    do the rest:

    - A worker that cannot start stops the service with its reason, because the next one could not
      start either. granian tries again for ever if that takes more than 5 s.
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
        self._flags = mmap.mmap(-1, 3)
        self._upload_lock_file = open_lock_file()

    @property
    def cannot_start(self) -> bool:
        """Whether a worker could not start."""
        return self._flags[_CANNOT_START] != 0

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

    def make_app(self) -> App:
        """Make the application in a worker; if that fails, log the reason and exit."""
        try:
            stop = WorkerStop(
                lambda: self.is_stopping,
                lambda: self.is_draining,
                self.drain_timeout,
            )
            app = make_app(self._upload_lock_file, stop)
        except Exception as error:  # noqa: BLE001 - it is logged, and the process exits
            self._stop_service(error)
            raise SystemExit(1) from None

        async def call_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._run_lifespan(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return call_app

    async def _run_lifespan(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        # A terminal sends Ctrl-C to all processes. A worker that exits before the master process
        # stops it would count as crashed.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        has_started = False

        async def send_unless_failed(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "lifespan.startup.complete"
            if message["type"] != "lifespan.startup.failed":
                await send(message)

        try:
            await app(scope, receive, send_unless_failed)
        except Exception as error:
            if has_started:
                raise
            self._stop_service(error)
            await send({"type": "lifespan.startup.failed", "message": ""})

    def _stop_service(self, error: Exception) -> None:
        expected = _find_expected(error)
        if expected is None:
            _log.critical("worker_start_failed", exc_info=error)
        else:
            _log.critical("worker_start_failed", reason=str(expected))
        self._flags[_CANNOT_START] = 1
        if os.getppid() == self._master_process:
            os.kill(self._master_process, signal.SIGTERM)


def _find_expected(error: BaseException) -> BaseException | None:
    """Return the error with a message for the operator, if there is one."""
    if isinstance(error, BaseExceptionGroup):  # Litestar groups the errors of a lifespan
        return next(filter(None, map(_find_expected, error.exceptions)), None)
    return error if isinstance(error, StartupError | ConfigurationError) else None


def _exit_with_parent() -> None:
    # An orphaned worker would keep the port. Only Linux has this call; elsewhere the process
    # supervisor stops the whole group.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
