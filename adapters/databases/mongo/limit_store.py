"""Rate limits in MongoDB: a document for each subject and purpose, written by batches."""

import asyncio
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.document_loader import DocumentLoader
from adapters.databases.mongo.documents import read_document
from adapters.databases.mongo.driver import BulkWriteStopped, RawDocument, WritesRejected, latest
from adapters.databases.mongo.limit_updates import add_permits, release_permits, save_limit
from adapters.databases.mongo.record_store import delete_oldest
from adapters.databases.records.batches import ERRORS_OF_RECORDS
from adapters.databases.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    apply_changes,
    ids_of,
)
from adapters.databases.records.limits import (
    LIMITS,
    LimitRecord,
    count_used,
    find_available,
    record_ids,
)
from adapters.databases.records.record_kind import EXPIRES_AT
from adapters.databases.records.record_store import StoredRecord
from application.ports.errors import (
    ConcurrencyConflict,
    CorruptRecord,
    PortError,
    StorageError,
    StorageTimeout,
)
from domain.otp.rate_limits import RateLimit

MAX_ROUNDS: Final = 30
FIRST_PAUSE: Final = 0.005
MAX_PAUSE: Final = 0.05
"""At most so many seconds before a round that repeats what others prevented."""
READ_SECONDS: Final = 1.0
"""How long limits are read first after one had no room: a full limit is only read then."""
READ_PROBABILITY: Final = 1 / 64
"""How often they are read first otherwise: a read finds the counters that no longer count."""
_StoredRecords = Mapping[str, StoredRecord[LimitRecord] | PortError]
"""Records by their ids, with the errors of damaged ones."""
_CONFLICT: Final = "too many concurrent calls for a limit"


@dataclass(slots=True, eq=False)
class _Pending:
    """Permits of a batch that are to be acquired.

    Attributes:
        change: The permits.
        held: The limits of which it surely has a permit in the database, from an earlier round.
        outcome: The outcome of its last round.
    """

    change: Change
    held: Sequence[RateLimit] = ()
    outcome: ChangeOutcome = None

    @property
    def release(self) -> Change:
        """The release of what it holds."""
        return replace(self.change, limits=self.held, is_release=True)

    @property
    def counted(self) -> Sequence[RateLimit]:
        """The limits of which its outcome has a permit."""
        return self.change.limits if self.outcome is None else ()

    def finish_write(self, held_before: Sequence[RateLimit], rejected: Collection[str]) -> bool:
        """Return whether its outcome is valid after a write, and compute what it holds otherwise.

        Args:
            held_before: What it held before the write.
            rejected: The ids of the records that were not written.
        """
        needed = {limit.record_id for limit in (*held_before, *self.counted)}
        if isinstance(self.outcome, datetime):
            needed.update(record_ids(self.change.limits))
        if needed.isdisjoint(rejected):
            self.held = ()
            return True
        kept = (limit for limit in held_before if limit.record_id in rejected)
        written = (limit for limit in self.counted if limit.record_id not in rejected)
        self.held = (*kept, *written)
        return False


class MongoLimitStore:
    """A `LimitStore`: see there what each method promises.

    A batch is one write while all of its limits are far from full: increments that
    are done only where there is room. What is left takes rounds of one read and one write, nearly
    always one round. A write stops at a record without room, or one that another instance changed
    meanwhile; permits that need it, or a later one, take part in another round. All instances write
    records in the order of their ids. So two calls that need the same records do not wait for each
    other, and are not both rejected.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._collection = latest(database.motor[LIMITS.name])
        self._loader = DocumentLoader(database, self._collection)
        self._acquired = LimitBatches(self._execute)
        self._released = LimitBatches(self._execute)
        self._reads_until = 0.0
        database.batches.extend([self._acquired, self._released])

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        return await self._database.wait(
            lambda: self._acquired.acquire(limits, now), StorageTimeout
        )

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        await self._database.wait(
            lambda: self._released.release(limits, acquired_at), StorageTimeout
        )

    async def next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        return find_available(limits, await self._load_records(record_ids(limits)), now)

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(limits, await self._load_records(record_ids(limits)), now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        expired = {EXPIRES_AT: {"$lte": now}}
        name = LIMITS.find_index(EXPIRES_AT).name
        limits = self._database.motor[LIMITS.name]
        return await delete_oldest(self._database, limits, expired, limit, name)

    async def _load_records(self, ids: Collection[str]) -> Mapping[str, LimitRecord]:
        documents = await self._loader.load_many(ids)
        return {
            record_id: read_document(LIMITS, document).record
            for record_id, document in documents.items()
        }

    async def _execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Execute a batch: all releases, and then rounds until all others have an outcome."""
        pending = {
            position: _Pending(change)
            for position, change in enumerate(changes)
            if not change.is_release
        }
        errors = await self._release(change for change in changes if change.is_release)
        await self._acquire([*pending.values()])
        return [
            pending[position].outcome
            if position in pending
            else next((errors[each] for each in ids_of([change]) if each in errors), None)
            for position, change in enumerate(changes)
        ]

    async def _release(self, changes: Iterable[Change]) -> Mapping[str, StorageError]:
        """Release permits; return the errors of the records of which none were released."""
        released = release_permits(changes)
        if not released:
            return {}
        ids, updates = zip(*released, strict=True)
        try:
            await self._database.run(lambda: self._collection.bulk_write([*updates], ordered=False))
        except WritesRejected as error:
            return {ids[position]: error for position in error.positions}
        except StorageError as error:
            return dict.fromkeys(ids, error)
        return {}

    async def _acquire(self, pending: Sequence[_Pending]) -> None:
        """Acquire without a read if possible; then run rounds, as long as others prevent any."""
        error: PortError = ConcurrencyConflict(_CONFLICT)
        now = asyncio.get_running_loop().time()
        reads_first = now < self._reads_until or random.random() < READ_PROBABILITY  # noqa: S311
        try:
            if not reads_first:
                pending = await self._acquire_unread(pending)
                if not pending:
                    return
                self._reads_until = now + READ_SECONDS
                # Increments need no version. In the next round this would be a compare-and-swap of
                # records that other instances change all the time.
                await self._release(waiting.release for waiting in pending)
                for waiting in pending:
                    waiting.held = ()
            for number in range(1, MAX_ROUNDS + 1):
                pending = await self._run_round(pending)
                if not pending:
                    return
                longest = min(MAX_PAUSE, number * FIRST_PAUSE)
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 -- no secret
        except (StorageError, CorruptRecord) as storage_error:
            error = storage_error
        for waiting in pending:
            waiting.outcome = error
        # If it fails, the permits expire.
        await self._release(waiting.release for waiting in pending)

    async def _acquire_unread(self, pending: Sequence[_Pending]) -> Sequence[_Pending]:
        """Acquire permits as far as there is room; return those of which some are not."""
        outcomes, added = apply_changes([waiting.change for waiting in pending], {})
        for waiting, outcome in zip(pending, outcomes, strict=True):
            waiting.outcome = outcome
        sizes, ids = _sizes_of(pending), sorted(added)
        updates = [add_permits(record_id, added[record_id], sizes) for record_id in ids]
        rejected = ids[await self._write_unread(updates) :]
        return [
            waiting
            for waiting in pending
            if waiting.outcome is not None or not waiting.finish_write((), rejected)
        ]

    async def _write_unread(self, updates: Sequence[UpdateOne]) -> int:
        try:
            return await self._write(updates)
        except WritesRejected as error:  # by a damaged record, which the next round reads
            return min(error.positions)

    async def _run_round(self, pending: Sequence[_Pending]) -> Sequence[_Pending]:
        """Acquire permits as if none were held, and save what that changes.

        Returns:
            Those that others prevented.
        """
        documents = await self._load(ids_of(waiting.change for waiting in pending))
        # Read twice, because those of one reading are changed.
        stored, records = _read_all(documents), _read_all(documents)
        holding = [waiting.release for waiting in pending if waiting.held]
        outcomes, changed = apply_changes(
            [*holding, *(waiting.change for waiting in pending)],
            {
                record_id: record.record if isinstance(record, StoredRecord) else record
                for record_id, record in records.items()
            },
        )
        for waiting, outcome in zip(pending, outcomes[len(holding) :], strict=True):
            waiting.outcome = outcome
        updates = _save_all(stored, changed, pending)
        held = {waiting: waiting.held for waiting in pending}
        for waiting in pending:
            # It has these whatever becomes of the write.
            waiting.held = tuple(limit for limit in waiting.held if limit in waiting.counted)
        ids = sorted(updates)
        written_count = await self._write([updates[record_id] for record_id in ids])
        rejected = ids[written_count:]
        return [waiting for waiting in pending if not waiting.finish_write(held[waiting], rejected)]

    async def _load(self, ids: Collection[str]) -> Mapping[str, RawDocument | PortError]:
        """Return the documents that exist, by id; the error of a damaged one is in its place."""
        if not ids:
            return {}
        # With one more than can be found, the first reply is known to be the last.
        cursor = self._collection.find({"_id": {"$in": [*ids]}}, batch_size=len(ids) + 1)
        try:
            documents = await self._database.run(lambda: cursor.to_list(None))
        except ERRORS_OF_RECORDS:
            return await self._loader.load_each(ids)
        return {document["_id"]: document for document in documents}

    async def _write(self, updates: Sequence[UpdateOne]) -> int:
        """Write in this order, and return how many updates were done before one was rejected."""
        if updates:
            try:
                await self._database.run(lambda: self._collection.bulk_write(updates))
            except BulkWriteStopped as stopped:
                return stopped.written_count
        return len(updates)


def _read_all(
    documents: Mapping[str, RawDocument | PortError],
) -> _StoredRecords:
    """Return the records of documents."""
    records: dict[str, StoredRecord[LimitRecord] | PortError] = {}
    for record_id, document in documents.items():
        try:
            if isinstance(document, PortError):
                raise document
            records[record_id] = read_document(LIMITS, document)
        except ERRORS_OF_RECORDS as error:
            records[record_id] = error
    return records


def _save_all(
    stored: _StoredRecords,
    changed: Mapping[str, LimitRecord],
    pending: Sequence[_Pending],
) -> Mapping[str, UpdateOne]:
    """Return the update of each record that is different now, by its id."""
    sizes = _sizes_of(pending)
    updates: dict[str, UpdateOne] = {}
    for record_id, record in changed.items():
        before = stored.get(record_id)
        if not isinstance(before, PortError):
            update = save_limit(record_id, before, record, sizes)
            updates |= {record_id: update} if update else {}
    return updates


def _sizes_of(pending: Iterable[_Pending]) -> Mapping[tuple[str, str], int]:
    """Return the limits of the windows with new permits, by the ids of records and the names.

    Of different ones it is the smallest: an increment that exceeds it becomes a compare-and-swap.
    """
    sizes: dict[tuple[str, str], int] = {}
    for waiting in pending:
        for limit in waiting.counted:
            window = limit.record_id, limit.name
            size = sizes.get(window, limit.window.limit)
            sizes[window] = min(size, limit.window.limit)
    return sizes
