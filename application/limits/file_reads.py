"""The limit of files that are read at the same time, counted in the memory of each process."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from application.ports.system import MonotonicClock
from domain.errors import TooManyReads

MAX_READS: Final = 256
"""Files that a process reads at the same time. Each may hold a file descriptor."""
MAX_READS_PER_IP: Final = 64
PERMIT_TIMEOUT_SECONDS: Final = 2.0
STALL_SECONDS: Final = 1.0
"""A client that takes no chunk for this time loses its permit if another one needs it."""
_POLL_SECONDS: Final = 0.05


@dataclass(eq=False, slots=True)
class FileRead:
    """A file that is being sent.

    Attributes:
        waits_since: Since when a chunk waits for the client, on the monotonic clock; infinite if
            none does.
    """

    client_ip: str
    waits_since: float = math.inf
    is_ended: asyncio.Event = field(default_factory=asyncio.Event)


class FileReads:
    """Limits how many files are read at the same time, of each client and in this process.

    At a limit, the client that has taken no chunk for the longest time loses its permit. So clients
    that stop reading do not keep others from reading, even behind the same IP.
    """

    def __init__(
        self,
        now: MonotonicClock,
        max_per_ip: int = MAX_READS_PER_IP,
        max_total: int = MAX_READS,
    ) -> None:
        self._now = now
        self._max_per_ip = max_per_ip
        self._max_total = max_total
        self._reads: set[FileRead] = set()

    @asynccontextmanager
    async def permit(self, client_ip: str) -> AsyncIterator[FileRead]:
        """Hold a permit, after a short wait if there is none.

        Raises:
            TooManyReads
        """
        give_up_at = self._now() + PERMIT_TIMEOUT_SECONDS
        while rivals := self._find_rivals(client_ip):
            now = self._now()
            slowest = min(rivals, key=lambda read: read.waits_since)
            if now - slowest.waits_since >= STALL_SECONDS:
                self._reads.discard(slowest)
                slowest.is_ended.set()
            elif now >= give_up_at:
                raise TooManyReads
            else:
                await asyncio.sleep(_POLL_SECONDS)
        read = FileRead(client_ip)
        self._reads.add(read)
        try:
            yield read
        finally:
            self._reads.discard(read)

    def _find_rivals(self, client_ip: str) -> Sequence[FileRead]:
        own = [read for read in self._reads if read.client_ip == client_ip]
        if len(own) >= self._max_per_ip:
            return own
        return [*self._reads] if len(self._reads) >= self._max_total else ()
