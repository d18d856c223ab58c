"""The worker processes: how each begins, and when they are no longer started again."""

import asyncio
import ctypes
import mmap
import os
import signal
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

import structlog

from application.ports.errors import ConfigurationError
from entrypoints.asgi import make_app
from entrypoints.http.middleware import App, Message, Receive, Scope, Send
from entrypoints.own_adapters import StartRefused
from entrypoints.settings import SettingsInvalid

_SET_DEATH_SIGNAL: Final = 1
_CROWDED_SECONDS: Final = 60.0
_STARTS_AGAIN: Final = 5
"""So many workers may be started again within that time, and no more."""

_log = structlog.get_logger()


class Workers:
    """What the service and its workers know of each other's start and end.

    - A worker that ends by itself is started again; not if that is needed again and again.
    - One that cannot start ends the service: the next could not either.
    - A worker does not outlive the service, and stops when the service says so, not at a
      Ctrl-C of its own.
    """

    def __init__(self, count: int) -> None:
        self._starts: deque[float] = deque(maxlen=count + _STARTS_AGAIN)
        self._service = os.getpid()
        # Seen by the service and all workers, whichever of them writes it.
        self._cannot_start = mmap.mmap(-1, 1)

    @property
    def cannot_start(self) -> bool:
        """Whether a worker said so."""
        return self._cannot_start[0] != 0

    def started(self) -> bool:
        """Count a start, in the service; gives whether one that ends is to be started again."""
        now = time.monotonic()
        is_crowded = (
            len(self._starts) == self._starts.maxlen and now - self._starts[0] < _CROWDED_SECONDS
        )
        self._starts.append(now)
        return not is_crowded

    def begin(self) -> None:
        """Make a forked process a worker, before anything else happens in it."""
        if os.getppid() != self._service:
            return  # what a worker forks is none
        # It has the service's handlers, which would tell nobody here.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _die_with_parent()

    def make_app(self) -> App:
        """Make the application, in a worker; tells why when it cannot be made."""
        try:
            app = make_app()
        except Exception as error:  # noqa: BLE001 - it is told of, and the process ends
            self._tell(error)
            raise SystemExit(1) from None

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._watch(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return watched

    async def _watch(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        # A terminal sends its Ctrl-C to all; who ends before being told to has failed.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        has_started = False

        async def told(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "lifespan.startup.complete"
            if message["type"] != "lifespan.startup.failed":
                await send(message)

        try:
            await app(scope, receive, told)
        except Exception as error:
            if has_started:
                raise
            self._tell(error)
            await send({"type": "lifespan.startup.failed", "message": ""})

    def _tell(self, error: Exception) -> None:
        for_operator = _for_operator(error)
        told: dict[str, Any] = {"exc_info": error}
        if for_operator is not None:
            told = {"reason": str(for_operator)}
        _log.critical("A worker cannot start", **told)
        self._cannot_start[0] = 1
        if os.getppid() == self._service:
            os.kill(self._service, signal.SIGTERM)


def _for_operator(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # Litestar puts what a lifespan raises into one
        return next(filter(None, map(_for_operator, error.exceptions)), None)
    return error if isinstance(error, StartRefused | ConfigurationError | SettingsInvalid) else None


def _die_with_parent() -> None:
    # A worker left behind by a killed parent would keep the address taken. Linux only: elsewhere
    # there is no such call, and the operator's supervisor ends the group.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
