"""Rate limits in MongoDB: a document for each subject and purpose, written by batches."""

import asyncio
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.document_loader import DocumentLoader
from adapters.databases.mongo.documents import read_document
from adapters.databases.mongo.driver import BulkWriteStopped, RawDocument, WritesRejected, latest
from adapters.databases.mongo.limit_updates import add_permits, release_permits, save_limit
from adapters.databases.mongo.record_store import delete_oldest
from adapters.databases.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    LoadedRecords,
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
    ERRORS_OF_RECORDS,
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
"""Maximum seconds before a round is repeated after a conflict."""
READ_SECONDS: Final = 1.0
"""Seconds after a limit was full in which limits are read first: a full one is only read then."""
READ_PROBABILITY: Final = 1 / 64
"""Share of other calls that read first: a read finds the counters that no longer count."""
_CONFLICT: Final = "too many concurrent calls for a limit"


class MongoLimitStore:
    """A `LimitStore`: see there what each method promises.

    A batch is one write while all of its limits are far from full: increments that are done only
    where there is room. What is left takes rounds of one read and one write, nearly always one
    round. A write stops at a record without room, or one that another instance changed meanwhile.
    Calls that need it, or a later one, give back what they got and take part in another round. All
    instances write records in the order of their ids. So two calls that need the same records do
    not wait for each other, and are not both rejected.
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
        errors = await self._release(change for change in changes if change.is_release)
        pending = {
            position: change for position, change in enumerate(changes) if not change.is_release
        }
        acquired = await self._acquire(pending)
        return [
            acquired[position]
            if position in acquired
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

    async def _acquire(self, pending: Mapping[int, Change]) -> Mapping[int, ChangeOutcome]:
        """Acquire without a read if possible; then run rounds, as long as others prevent any."""
        outcomes: dict[int, ChangeOutcome] = {}
        error: PortError = ConcurrencyConflict(_CONFLICT)
        now = asyncio.get_running_loop().time()
        reads_first = now < self._reads_until or random.random() < READ_PROBABILITY  # noqa: S311 -- no secret
        try:
            for number in range(int(reads_first), MAX_ROUNDS + 1):
                outcomes |= await self._run_round(pending, reads=number > 0)
                pending = {each: pending[each] for each in pending if each not in outcomes}
                if not pending:
                    return outcomes
                if number == 0:
                    self._reads_until = now + READ_SECONDS
                longest = min(MAX_PAUSE, number * FIRST_PAUSE)
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 -- no secret
        except (StorageError, CorruptRecord) as storage_error:
            error = storage_error
        return outcomes | dict.fromkeys(pending, error)

    async def _run_round(
        self, pending: Mapping[int, Change], *, reads: bool
    ) -> Mapping[int, ChangeOutcome]:
        """Acquire permits after a read, or without one as far as there is room.

        Returns:
            The outcomes. Changes that met a conflict are missing, and hold nothing.
        """
        documents = await self._load(ids_of(pending.values())) if reads else {}
        stored, loaded = _read_all(documents)
        outcomes, changed = apply_changes([*pending.values()], loaded)
        decided = dict(zip(pending, outcomes, strict=True))
        sizes = _sizes_of(pending[each] for each, outcome in decided.items() if outcome is None)
        ids = sorted(changed)
        updates = [
            save_limit(record_id, stored.get(record_id), changed[record_id], sizes)
            if reads
            else add_permits(record_id, changed[record_id], sizes)
            for record_id in ids
        ]
        rejected = {*ids[await self._write(updates, reads=reads) :]}
        unwanted = []
        for position, change in pending.items():
            outcome = decided[position]
            # Only a read finds out that a limit is full.
            is_unsure = not reads and outcome is not None
            if is_unsure or (
                not isinstance(outcome, PortError)
                and not rejected.isdisjoint(record_ids(change.limits))
            ):
                del decided[position]
                if outcome is None:
                    written = [each for each in change.limits if each.record_id not in rejected]
                    unwanted.append(replace(change, limits=written, is_release=True))
        # If it fails, they expire.
        await self._release(unwanted)
        return decided

    async def _load(self, ids: Collection[str]) -> Mapping[str, RawDocument | PortError]:
        if not ids:
            return {}
        # With one more than can be found, the first reply is known to be the last.
        cursor = self._collection.find({"_id": {"$in": [*ids]}}, batch_size=len(ids) + 1)
        try:
            documents = await self._database.run(lambda: cursor.to_list(None))
        except ERRORS_OF_RECORDS:
            return await self._loader.load_each(ids)
        return {document["_id"]: document for document in documents}

    async def _write(self, updates: Sequence[UpdateOne], *, reads: bool) -> int:
        """Write in this order, and return how many updates were done before one was rejected."""
        if updates:
            try:
                await self._database.run(lambda: self._collection.bulk_write(updates))
            except BulkWriteStopped as stopped:
                return stopped.written_count
            except WritesRejected as error:
                if reads:
                    raise
                return min(error.positions)  # by a damaged record, which the next round reads
        return len(updates)


def _read_all(
    documents: Mapping[str, RawDocument | PortError],
) -> tuple[Mapping[str, StoredRecord[LimitRecord]], LoadedRecords]:
    """Return the records as they are stored, and once more, with errors, to be changed."""
    stored: dict[str, StoredRecord[LimitRecord]] = {}
    loaded: dict[str, LimitRecord | PortError] = {}
    for record_id, document in documents.items():
        try:
            if isinstance(document, PortError):
                raise document
            stored[record_id] = read_document(LIMITS, document)
            loaded[record_id] = read_document(LIMITS, document).record
        except ERRORS_OF_RECORDS as error:
            loaded[record_id] = error
    return stored, loaded


def _sizes_of(changes: Iterable[Change]) -> Mapping[tuple[str, str], int]:
    """Return the limits of the windows with new permits, by the ids of records and the names.

    Of different ones it is the smallest: an increment that exceeds it becomes a compare-and-swap.
    """
    sizes: dict[tuple[str, str], int] = {}
    for limit in (limit for change in changes for limit in change.limits):
        window = limit.record_id, limit.name
        sizes[window] = min(sizes.get(window, limit.window.limit), limit.window.limit)
    return sizes
