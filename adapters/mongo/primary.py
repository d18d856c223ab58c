"""Calls while a replica set has no primary, as in an election."""

import asyncio
from collections import Counter
from typing import Final

from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)

from adapters.mongo.deadline import Deadline
from application.ports.current_request import CURRENT_REQUEST
from application.ports.errors import StorageUnavailable

MAX_WAITING_REQUESTS: Final = 200
ELECTION_TIMEOUT: Final = 12.0
"""Seconds: MongoDB notices after ten by default that its primary is lost, and then votes."""
_REPLICA_SETS: Final = ("ReplicaSetNoPrimary", "ReplicaSetWithPrimary")
NO_PRIMARY: Final = "the replica set has no primary"


class Primary(TopologyListener):
    """Knows whether a replica set has lost its primary, and who waits for the next one.

    - At most `MAX_WAITING_REQUESTS` wait, for at most `ELECTION_TIMEOUT`. All others fail at once,
      also those whose calls were under way when the primary was lost.
    - A request counts once, however many calls it makes. A call outside of requests is one.
    - Waiting takes no thread of the driver, which has only a few.
    - Two clients follow the replica set. The primary is lost until both have found it.
    """

    def __init__(self) -> None:
        """Expect a primary: only one that was there can be lost."""
        self._loop = asyncio.get_running_loop()
        self._is_found = asyncio.Event()
        self._is_found.set()
        self._lost_by: set[object] = set()
        self._calls: dict[asyncio.Timeout | Deadline, object] = {}
        self._waiting: Counter[object] = Counter()

    @property
    def is_lost(self) -> bool:
        """Whether there is no primary now."""
        return not self._is_found.is_set()

    async def wait(self) -> None:
        """Return when there is a primary.

        Raises:
            StorageUnavailable: too many requests wait already, or it takes too long.
        """
        if not self.is_lost:
            return
        request = _request()
        known = {*self._waiting, *self._calls.values()}
        if request not in known and len(known) >= MAX_WAITING_REQUESTS:
            raise StorageUnavailable(NO_PRIMARY)
        self._waiting[request] += 1
        try:
            await self.wait_for_batch()
        finally:
            self._waiting[request] -= 1
            if not self._waiting[request]:
                del self._waiting[request]

    async def wait_for_batch(self) -> None:
        """Return when there is a primary, for a call that many requests share.

        Raises:
            StorageUnavailable: it takes too long.
        """
        if not self.is_lost:
            return
        try:
            async with asyncio.timeout(ELECTION_TIMEOUT):
                await self._is_found.wait()
        except TimeoutError:
            raise StorageUnavailable(NO_PRIMARY) from None

    def add_call(self, timeout: asyncio.Timeout | Deadline) -> None:
        """Count a call that begins; its timeout changes if the primary is lost."""
        self._calls[timeout] = _request()

    def remove_call(self, timeout: asyncio.Timeout | Deadline) -> None:
        """Count a call no longer."""
        del self._calls[timeout]

    def opened(self, event: TopologyOpenedEvent) -> None:
        """Do nothing."""

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        """Follow the topology of a client, in a thread of the driver or in the event loop."""
        new = event.new_description
        if new.topology_type_name not in _REPLICA_SETS:
            return
        has_primary = new.has_writable_server()
        if has_primary != event.previous_description.has_writable_server():
            change = self._find if has_primary else self._lose
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(change, event.topology_id)

    def closed(self, event: TopologyClosedEvent) -> None:
        """Do nothing."""

    def _find(self, client: object) -> None:
        self._lost_by.discard(client)
        if not self._lost_by:
            self._is_found.set()

    def _lose(self, client: object) -> None:
        self._lost_by.add(client)
        if self.is_lost:
            return
        self._is_found.clear()
        requests: dict[object, None] = {}
        for timeout, request in self._calls.items():
            if request in requests or len(requests) < MAX_WAITING_REQUESTS:
                requests[request] = None
                ends = ELECTION_TIMEOUT
            else:
                ends = 0.0
            when = timeout.when()
            if when is not None:
                now = self._loop.time()
                timeout.reschedule(max(when, now + ends) if ends else now)


def _request() -> object:
    return CURRENT_REQUEST.get() or asyncio.current_task()
