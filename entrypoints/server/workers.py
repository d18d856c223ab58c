"""The worker processes: their start and their end."""

import asyncio
import ctypes
import json
import mmap
import multiprocessing
import os
import signal
from typing import Final, NoReturn

import structlog

from adapters.operations.logging import flush_log
from application.ports.errors import ConfigurationError, PortError
from entrypoints.server.banner import BannerParts
from entrypoints.settings.startup_error import StartupError, print_errors

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""SIGHUP comes from a terminal that is closed."""
_PR_SET_PDEATHSIG: Final = 1
_HAS_STARTED, _CANNOT_START, _IS_STOPPING = range(3)
"""Offsets of the flags that all processes share."""

_log = structlog.get_logger()


class Workers:
    """State shared by the parent process and the workers, and the start and end of a worker.

    granian respawns a worker that crashes, and stops if the new one crashes soon after. It does not
    do the rest:

    - A worker that cannot start stops the service with its reason, because the next one could not
      start either. granian tries again for ever if that takes more than 5 s. A new worker that
      finds the database locked waits instead (`worker_app`).
    - A worker exits with the parent process.
    - A terminal or systemd may send a stop signal to all processes. It is blocked in workers, so
      that they go on serving in the stop delay.
    """

    def __init__(self) -> None:
        self._parent_pid = os.getpid()
        self._is_worker = False
        self._flags = mmap.mmap(-1, 3)
        # It has something to read, for all workers, from the drain on.
        self._drain_reader, self._drain_writer = os.pipe()
        self._banner = os.memfd_create("banner")
        # The first worker that takes it keeps it.
        self._first_worker = multiprocessing.get_context("fork").Lock()

    @property
    def has_started(self) -> bool:
        return self._flags[_HAS_STARTED] != 0

    @property
    def cannot_start(self) -> bool:
        return self._flags[_CANNOT_START] != 0

    def mark_started(self, banner: BannerParts) -> bool:
        """Note that a worker has opened everything; return whether it is the first one."""
        # All write the same, and before they listen.
        os.pwrite(self._banner, json.dumps(banner).encode(), 0)
        self._flags[_HAS_STARTED] = 1
        return self._first_worker.acquire(block=False)

    def read_banner(self) -> BannerParts:
        size = os.fstat(self._banner).st_size
        return BannerParts(*json.loads(os.pread(self._banner, size, 0) or "[{}, {}]"))

    def is_stopping(self) -> bool:
        return self._flags[_IS_STOPPING] != 0

    def begin_stop(self) -> None:
        """Let readiness fail, in all workers."""
        self._flags[_IS_STOPPING] = 1

    def begin_drain(self) -> None:
        """Let each worker end at the SIGTERM that granian sends."""
        os.write(self._drain_writer, b"1")

    def set_up_process(self) -> None:
        """Set up a forked process, before anything else runs in it."""
        if self._is_worker:
            # A process that a worker has forked.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            return
        self._is_worker = True
        # An orphaned worker would keep the port.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._parent_pid:
            os._exit(1)  # the parent ended before that

    def end_with_service(self) -> None:
        """Let granian's handler of SIGTERM run from the drain on."""
        loop = asyncio.get_running_loop()

        def unblock() -> None:
            loop.remove_reader(self._drain_reader)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

        loop.add_reader(self._drain_reader, unblock)

    def stop_service(self, error: Exception) -> NoReturn:
        if self.has_started or self._first_worker.acquire(block=False):
            _report(error, is_start=not self.has_started)
        self._flags[_CANNOT_START] = 1
        os.kill(self._parent_pid, signal.SIGTERM)
        # granian would report and respawn a worker that ends before it is told to.
        signal.sigwait([signal.SIGTERM])
        # Without an exception, which libraries would log once more.
        flush_log()
        os._exit(1)


def _report(error: Exception, *, is_start: bool) -> None:
    if not isinstance(error, StartupError | ConfigurationError | PortError):
        _log.critical("worker_start_failed", exc_info=error)
    elif is_start:
        print_errors(str(error))
    else:
        _log.critical("worker_start_failed", reason=str(error))
