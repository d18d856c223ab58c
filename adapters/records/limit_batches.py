"""Reservations and releases that arrive together are executed together.

All deliveries count on the same few records, and each write of these waits for the one before. So
what arrives while a batch is under way is collected, and executed by one call of the database.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.records.limits import LimitRecord, LimitRecords, acquire, record_ids, release
from application.ports.errors import CorruptRecord, PortError
from application.tasks import start_task
from domain.otp.rate_limits import Acquisition, Reservation

Change = Reservation | Acquisition
"""A reservation that is to be acquired, or an acquisition that is to be released."""
ChangeOutcome = Acquisition | datetime | PortError | None
"""What `limits.acquire` returned; None after a release; the error of this change alone."""
LoadedRecords = Mapping[str, LimitRecord | CorruptRecord]
"""Those of the records that exist, by id. The error of a damaged one is in its place."""
Execute = Callable[[Sequence[Change]], Awaitable[Sequence[ChangeOutcome]]]
"""Loads the records of the changes, applies these, and saves the changed records durably.

Returns:
    The outcome of each change.
"""

MAX_BATCH_SIZE: Final = 100
"""Calls in a batch."""


def ids_of(changes: Sequence[Change]) -> list[str]:
    """Return the ids of all records that these changes need."""
    reservations = [change for change in changes if isinstance(change, Reservation)]
    acquisitions = [change for change in changes if isinstance(change, Acquisition)]
    released = [limit.record_id for change in acquisitions for limit in change.limits]
    return list(dict.fromkeys([*record_ids(*reservations), *released]))


def apply_changes(
    changes: Sequence[Change], loaded: LoadedRecords
) -> tuple[Sequence[ChangeOutcome], LimitRecords]:
    """Apply changes in their order. A damaged record affects only those changes that need it.

    Args:
        changes: The changes.
        loaded: The records of `ids_of`. They are changed.

    Returns:
        The outcome of each change, and the records that are to be saved.
    """
    damaged = {
        record_id: record
        for record_id, record in loaded.items()
        if isinstance(record, CorruptRecord)
    }
    records = {
        record_id: record for record_id, record in loaded.items() if isinstance(record, LimitRecord)
    }
    outcomes: list[ChangeOutcome] = []
    changed_ids: set[str] = set()
    for change in changes:
        needed = damaged and damaged.keys() & ids_of([change])
        if needed:
            outcomes.append(damaged[min(needed)])
        elif isinstance(change, Reservation):
            outcome = acquire(change, records)
            if isinstance(outcome, Acquisition):
                changed_ids.update(limit.record_id for limit in outcome.limits)
            outcomes.append(outcome)
        else:
            changed_ids.update(release(change, records))
            outcomes.append(None)
    return outcomes, {record_id: records[record_id] for record_id in changed_ids}


@dataclass(frozen=True, slots=True)
class _Call:
    changes: Sequence[Change]
    outcomes: asyncio.Future[Sequence[ChangeOutcome]]


class LimitBatches:
    """Executes reservations and releases in batches, one at a time, in the order of arrival.

    - A call whose caller was cancelled before its batch is not executed. If the caller was
      cancelled during its batch, what it acquired is released.
    - An error goes to all calls of its batch, and to no others.
    """

    def __init__(self, execute: Execute) -> None:
        """Set the function that executes a batch."""
        self._execute = execute
        self._waiting: deque[_Call] = deque()
        self._task: asyncio.Task[None] | None = None

    async def acquire(
        self, reservations: Sequence[Reservation]
    ) -> Sequence[Acquisition | datetime]:
        """Acquire reservations, each as a whole or not at all; see `LimitStore.acquire`.

        Raises:
            CorruptRecord: A record that one of them needs is damaged.
            StorageError
        """
        outcomes = await self._request(reservations)
        acquired: list[Acquisition | datetime] = []
        for outcome in outcomes:
            if isinstance(outcome, PortError):
                raise outcome
            if outcome is not None:
                acquired.append(outcome)
        return acquired

    async def release(self, acquisition: Acquisition) -> None:
        [outcome] = await self._request([acquisition])
        if isinstance(outcome, PortError):
            raise outcome

    async def finish(self) -> None:
        while self._task is not None:
            await asyncio.wait([self._task])

    def _request(self, changes: Sequence[Change]) -> asyncio.Future[Sequence[ChangeOutcome]]:
        outcomes: asyncio.Future[Sequence[ChangeOutcome]] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiting.append(_Call(changes, outcomes))
        if self._task is None:
            # It belongs to no request, so that no limit of one affects the others. It begins in the
            # next iteration of the event loop, with all calls that arrive in this one.
            self._task = start_task("limit_batches", self._execute_batches(), context=Context())
        return outcomes

    async def _execute_batches(self) -> None:
        try:
            while batch := self._next_batch():
                await self._execute_batch(batch)
        finally:
            self._task = None
            for call in self._waiting:
                call.outcomes.cancel()

    def _next_batch(self) -> Sequence[_Call]:
        """Remove the calls that have waited longest; drop those that nobody waits for."""
        batch: list[_Call] = []
        while self._waiting and len(batch) < MAX_BATCH_SIZE:
            call = self._waiting.popleft()
            if not call.outcomes.done():
                batch.append(call)
        return batch

    async def _execute_batch(self, batch: Sequence[_Call]) -> None:
        try:
            outcomes = await self._execute([change for call in batch for change in call.changes])
        except asyncio.CancelledError:
            for call in batch:
                call.outcomes.cancel()
            raise
        except Exception as error:  # noqa: BLE001 -- it is raised in the callers
            for call in batch:
                if not call.outcomes.done():
                    call.outcomes.set_exception(error)
            return
        begin = 0
        for call in batch:
            end = begin + len(call.changes)
            if call.outcomes.done():
                self._release_unwanted(outcomes[begin:end])
            else:
                call.outcomes.set_result(outcomes[begin:end])
            begin = end

    def _release_unwanted(self, outcomes: Sequence[ChangeOutcome]) -> None:
        """Release what a caller acquired that was cancelled. If it fails, the permits expire."""
        acquired = [outcome for outcome in outcomes if isinstance(outcome, Acquisition)]
        if acquired:
            self._request(acquired).add_done_callback(_ignore_error)


def _ignore_error(outcomes: asyncio.Future[Sequence[ChangeOutcome]]) -> None:
    if not outcomes.cancelled():
        outcomes.exception()
