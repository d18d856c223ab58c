"""How a worker stops."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from domain.values import dataclass

if TYPE_CHECKING:
    from entrypoints.server.connections import OpenConnections

_SIGTERM: Final = frozenset({signal.SIGTERM})


@dataclass(frozen=True, slots=True)
class WorkerStop:
    """Lets SIGTERM stop this worker when the master process wants that.

    A process supervisor may send SIGTERM to all processes at once, as systemd does by default.
    Workers must go on serving then: the master process begins with the stop delay.

    Attributes:
        is_stopping: Whether a stop signal has arrived.
        is_draining: Whether the master process ends all workers.
        drain_timeout: Seconds that open requests have then.
    """

    is_stopping: Callable[[], bool]
    is_draining: Callable[[], bool]
    drain_timeout: float

    async def run(self, connections: "OpenConnections") -> None:
        """Wait for SIGTERM, let granian handle it, and close what is open after the timeout."""
        loop = asyncio.get_running_loop()
        has_begun = asyncio.Event()

        def wait_for_signal() -> None:
            self._wait_for_signal()
            loop.call_soon_threadsafe(has_begun.set)

        threading.Thread(target=wait_for_signal, name="sigterm", daemon=True).start()
        await has_begun.wait()
        unblock_sigterm()
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(self.drain_timeout)
        # Then granian ends by itself, and database and files are closed properly.
        connections.close_all()

    def _wait_for_signal(self) -> None:
        # The signal of the master process may be merged with one that another process has sent.
        while signal.sigwaitinfo(_SIGTERM).si_pid != os.getppid() and not self.is_draining():
            pass


def block_sigterm() -> None:
    """Keep SIGTERM pending, also in all threads to come: `WorkerStop` waits for it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGTERM)


def unblock_sigterm() -> None:
    """Let the handler of SIGTERM run."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGTERM)
