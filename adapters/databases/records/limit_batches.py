"""Reservations and releases that arrive together are executed together.

All deliveries count on the same few records, and each write of these waits for the one before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.databases.records.batches import BatchQueue, Entry, copy_error
from adapters.databases.records.limits import (
    LimitRecord,
    LimitRecords,
    acquire,
    record_ids,
    release,
)
from application.ports.errors import OperationRejected, PortError
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

    - If a caller was cancelled during its batch, what it acquired is released.
    - An error that does not say whether permits were acquired goes to all calls of its batch:
      nothing is acquired twice.
    """

    def __init__(self, execute: Execute) -> None:
        """Set the function that executes a batch."""
        self._execute = execute
        self._queue = BatchQueue[Sequence[Change], _Outcomes](
            self._execute_all, "limits", max_batches=1
        )

    async def acquire(
        self, reservations: Sequence[Reservation]
    ) -> Sequence[Acquisition | datetime]:
        """Acquire reservations, each as a whole or not at all; see `LimitStore.acquire`.

        Raises:
            CorruptRecord: A record that one of them needs is damaged. Permits of the others are
                released.
            StorageError
        """
        outcomes = await self._queue.add(reservations)
        return [outcome for outcome in outcomes if isinstance(outcome, Acquisition | datetime)]

    async def release(self, acquisition: Acquisition) -> None:
        await self._queue.add([acquisition])

    async def finish(self) -> None:
        await self._queue.finish()

    async def _execute_all(self, calls: Sequence[_Call]) -> None:
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
            released = self._queue.add(acquired, requests=[*call.requests])
            released.add_done_callback(_ignore_error)


def _ignore_error(outcomes: asyncio.Future[_Outcomes]) -> None:
    if not outcomes.cancelled():
        outcomes.exception()
