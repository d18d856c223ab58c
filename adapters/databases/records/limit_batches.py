"""Permits that are acquired and released at the same time are changed together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from domain.otp.rate_limits import RateLimit


@dataclass(frozen=True, slots=True)
class Change:
    """Permits that are to be acquired at a time, or that were and are to be released."""

    limits: Sequence[RateLimit]
    acquired_at: datetime
    is_release: bool = False


ChangeOutcome = datetime | PortError | None
"""None if the change was made; the time when it can be; or the error of this change alone."""
LoadedRecords = Mapping[str, LimitRecord | PortError]
"""The existing records by id; in place of a damaged record, its error."""
Execute = Callable[[Sequence[Change]], Awaitable[Sequence[ChangeOutcome]]]
"""Loads the records of the changes, applies these, and saves the records durably. Returns each
outcome.

Raises:
    CorruptRecord, OperationRejected: Nothing was changed, because of one of the changes.
    StorageError
"""

_NOT_STORABLE: Final = "the id of a record cannot be encoded"
_Call = Entry[Change, datetime | None]


def ids_of(changes: Iterable[Change]) -> list[str]:
    """Return the ids of all records that these changes need, each once."""
    return record_ids(limit for change in changes for limit in change.limits)


def apply_changes(
    changes: Sequence[Change], loaded: LoadedRecords
) -> tuple[Sequence[ChangeOutcome], LimitRecords]:
    """Apply changes in their order. A damaged record affects only those changes that need it.

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
        outcome: ChangeOutcome = None
        if needed:
            outcome = damaged[min(needed)]
        elif change.is_release:
            changed_ids.update(release(change.limits, records, change.acquired_at))
        else:
            outcome = acquire(change.limits, records, change.acquired_at)
            if outcome is None:
                changed_ids.update(record_ids(change.limits))
        outcomes.append(outcome)
    return outcomes, {record_id: records[record_id] for record_id in changed_ids}


class LimitBatches:
    """Executes changes in batches, one at a time, in the order of arrival.

    - If a caller was cancelled during its batch, what it acquired is released.
    - An error that does not say whether permits were acquired goes to all calls of its batch:
      nothing is acquired twice.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._queue = BatchQueue[Change, datetime | None](
            self._execute_all, "limits", max_batches=1
        )

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        return await self._queue.add(Change(limits, now))

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        await self._queue.add(Change(limits, acquired_at, is_release=True))

    async def finish(self) -> None:
        await self._queue.finish()

    async def _execute_all(self, calls: Sequence[_Call]) -> None:
        try:
            outcomes = await self._execute([call.content for call in calls])
        except UnicodeEncodeError:
            # The records are loaded first, so nothing was changed.
            raise OperationRejected(_NOT_STORABLE) from None
        for call, outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, PortError):
                call.fail(copy_error(outcome))
                continue
            if outcome is None and not call.content.is_release and not call.is_wanted:
                # If it fails, the permits expire.
                unwanted = replace(call.content, is_release=True)
                released = self._queue.add(unwanted, requests=[*call.requests])
                released.add_done_callback(_ignore_error)
            call.resolve(outcome)


def _ignore_error(released: asyncio.Future[datetime | None]) -> None:
    if not released.cancelled():
        released.exception()
