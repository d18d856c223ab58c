"""Reservations and releases that arrive together are executed together.

All deliveries count on the same few records, and each write of these waits for the one before. So
what arrives while a batch is under way is collected, and executed by one call of the database.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from datetime import datetime
from typing import Final

from adapters.records.batches import (
    MAX_BATCH_SIZE,
    Entry,
    copy_error,
    execute_in_parts,
    has_changed_nothing,
)
from adapters.records.limits import LimitRecord, LimitRecords, acquire, record_ids, release
from application.ports.current_request import CurrentRequest
from application.ports.errors import OperationRejected, PortError
from application.tasks import start_task
from domain.otp.rate_limits import Acquisition, Reservation

Change = Reservation | Acquisition
"""A reservation that is to be acquired, or an acquisition that is to be released."""
ChangeOutcome = Acquisition | datetime | PortError | None
"""What `limits.acquire` returned; None after a release; the error of this change alone."""
LoadedRecords = Mapping[str, LimitRecord | PortError]
"""Those of the records that exist, by id. The error of a damaged one is in its place."""
Execute = Callable[[Sequence[Change]], Awaitable[Sequence[ChangeOutcome]]]
"""Loads the records of the changes, applies these, and saves the changed records durably.

Returns:
    The outcome of each change.

Raises:
    CorruptRecord, OperationRejected: Nothing was changed, because of one of the changes.
    StorageError
"""

_NOT_STORABLE: Final = "the id of a record cannot be encoded"
_Outcomes = Sequence[ChangeOutcome]
_Call = Entry[Sequence[Change], _Outcomes]


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
        record_id: record for record_id, record in loaded.items() if isinstance(record, PortError)
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


class LimitBatches:
    """Executes reservations and releases in batches, one at a time, in the order of arrival.

    - A call whose caller was cancelled before its batch is not executed. If the caller was
      cancelled during its batch, what it acquired is released.
    - An error goes to all calls of its batch, and to no others: it does not say whether permits
      were acquired, and nothing is acquired twice. With `CorruptRecord` and `OperationRejected`
      nothing was changed. Then the calls are executed in smaller and smaller parts, until the error
      is that of one call.
    - A batch belongs to no request, so that no limit of one affects the others. Its lines in the
      log name the requests in it.
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
            CorruptRecord: A record that one of them needs is damaged. Permits of the others are
                released.
            StorageError
        """
        outcomes = await self._request(reservations)
        return [outcome for outcome in outcomes if isinstance(outcome, Acquisition | datetime)]

    async def release(self, acquisition: Acquisition) -> None:
        await self._request([acquisition])

    async def finish(self) -> None:
        while self._task is not None:
            await asyncio.wait([self._task])

    def _request(
        self, changes: Sequence[Change], requests: Sequence[CurrentRequest] | None = None
    ) -> asyncio.Future[_Outcomes]:
        outcomes: asyncio.Future[_Outcomes] = asyncio.get_running_loop().create_future()
        call = _Call(changes)
        call.add_caller(outcomes, requests)
        self._waiting.append(call)
        if self._task is None:
            # It begins in the next iteration of the event loop, with all calls that arrive in this
            # one.
            self._task = start_task("limit_batches", self._execute_batches(), context=Context())
        return outcomes

    async def _execute_batches(self) -> None:
        batch: Sequence[_Call] = ()
        try:
            while batch := self._next_batch():
                await execute_in_parts(batch, self._execute_part, has_changed_nothing, "limits")
        finally:
            self._task = None
            for call in (*batch, *self._waiting):
                call.cancel()

    def _next_batch(self) -> Sequence[_Call]:
        """Remove the calls that have waited longest; drop those that nobody waits for."""
        batch: list[_Call] = []
        while self._waiting and len(batch) < MAX_BATCH_SIZE:
            call = self._waiting.popleft()
            if call.is_wanted:
                batch.append(call)
        return batch

    async def _execute_part(self, calls: Sequence[_Call]) -> None:
        try:
            outcomes = await self._execute([change for call in calls for change in call.content])
        except UnicodeEncodeError:
            # The records are loaded first, so nothing was changed.
            raise OperationRejected(_NOT_STORABLE) from None
        begin = 0
        for call in calls:
            end = begin + len(call.content)
            own = outcomes[begin:end]
            error = next((outcome for outcome in own if isinstance(outcome, PortError)), None)
            if error is not None or not call.is_wanted:
                self._release_unwanted(call, own)
            if error is not None:
                call.fail(copy_error(error))
            else:
                call.resolve(own)
            begin = end

    def _release_unwanted(self, call: _Call, outcomes: _Outcomes) -> None:
        """Release what a caller acquired that was cancelled or gets an error.

        If it fails, the permits expire.
        """
        acquired = [outcome for outcome in outcomes if isinstance(outcome, Acquisition)]
        if acquired:
            self._request(acquired, [*call.requests]).add_done_callback(_ignore_error)


def _ignore_error(outcomes: asyncio.Future[_Outcomes]) -> None:
    if not outcomes.cancelled():
        outcomes.exception()
