"""Rate limits in MongoDB: sliding windows of counters, a document for each limit."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from adapters.mongo.database import Database
from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.documents import RateLimitDocument
from adapters.mongo.driver import BulkWriteStopped, latest
from adapters.mongo.rate_limit_updates import (
    RESERVATION,
    acquire_permit,
    add_reservation,
    correct_available_at,
    release_permit,
)
from adapters.records.rate_limits import (
    RATE_LIMITS,
    RESERVATIONS,
    RateLimitRecord,
    find_available,
    sub_period_of,
)
from application.ports.errors import ConcurrencyConflict, StorageError
from domain.otp.rate_limits import Permit, RateLimit, Reservation

MAX_ATTEMPTS: Final = 5
_Counted = tuple[RateLimit, datetime]
"""A permit: its limit, and the sub-period that counts it."""


class MongoRateLimits:
    """Sliding windows. A reservation is one ordered bulk write, which stops at a full limit."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database
        self._collection = latest(database.collection(RateLimitDocument))
        self._loader = DocumentLoader(database, self._collection)

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit, or return when all of them have one."""
        [available_at] = await self.acquire_each(reservation)
        return available_at

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations, with one command where no limit is full."""
        updates = [_updates(one, [], _first_limits(one)) for one in reservations]
        try:
            await self._write([update for own in updates for update in own])
        except BulkWriteStopped as stopped:
            index, written = 0, stopped.written_count
            while written >= len(updates[index]):
                written -= len(updates[index])
                index += 1
            available_at, others = await asyncio.gather(
                self._acquire_rest(reservations[index], written),
                self.acquire_each(*reservations[index + 1 :]),
            )
            return [*[None] * index, available_at, *others]
        return [None] * len(reservations)

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits, as far as the reservation has them."""
        query = {"_id": f"{RESERVATION}{reservation.id}"}
        document = await self._database.run(lambda: self._collection.find_one_and_delete(query))
        if document is not None:
            record = RESERVATIONS.convert_record(document)
            await self._release(record.released(reservation.all_limits))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when all limits have a permit: the time of the reservation, or later."""
        return find_available(reservation, await self._load(reservation.all_limits))

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the permits of a listed limit, the latest last."""
        document = await self._loader.load(limit.name)
        return RATE_LIMITS.convert_record(document).list_permits(limit, now) if document else []

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired counters, and as many reservations."""
        return max(
            [
                await self._database.delete_oldest(
                    RateLimitDocument,
                    {field: {"$exists": True}, "expires_at": {"$lte": now}},
                    limit,
                )
                for field in ("available_at", "acquired")
            ]
        )

    async def _acquire_rest(self, reservation: Reservation, written: int) -> datetime | None:
        """Acquire a reservation whose command was stopped after so many of its updates."""
        now, limits = reservation.acquired_at, reservation.all_limits
        stopped_after: int | None = written
        for _ in range(MAX_ATTEMPTS):
            if await self._acquire_in_order(reservation, stopped_after):
                return None
            records = await self._load(limits)
            available_at = find_available(reservation, records)
            if available_at > now:
                return available_at
            # A limit was raised, or a clock that was ahead has written a document.
            corrections = [
                correct_available_at(limit, now)
                for limit in limits
                if limit.name in records and records[limit.name].available_at > now
            ]
            await self._write(corrections, is_ordered=False)
            stopped_after = None
        raise ConcurrencyConflict("too many concurrent reservations of a rate limit")

    async def _acquire_in_order(self, reservation: Reservation, written: int | None) -> bool:
        """Acquire a permit of each limit and of a part of each divided one, or of none.

        Returns which. The first command was stopped after so many updates, or not sent if that is
        None.
        """
        acquired: list[_Counted] = []
        try:
            return await self._acquire_missing(reservation, written, acquired)
        except StorageError:
            # What the failed write has done is unknown, and expires.
            with suppress(StorageError):
                await self._release(acquired)
            raise

    async def _acquire_missing(
        self, reservation: Reservation, written: int | None, acquired: list[_Counted]
    ) -> bool:
        """Do what `_acquire_in_order` does. `acquired` has what the database has confirmed."""
        missing = _first_limits(reservation)
        parts_left = [list(parts) for parts in reservation.divided]
        while True:
            if written is None:
                try:
                    await self._write(_updates(reservation, acquired, missing))
                except BulkWriteStopped as stopped:
                    written = stopped.written_count
                else:
                    return True
            acquired += _counted(missing[:written], reservation.acquired_at)
            missing = missing[written:]
            written = None
            # Where only the document of the reservation is missing, it was added meanwhile.
            if missing:
                parts = next((one for one in parts_left if missing[0] in one[0].limits), [])
                is_rejected = not parts[1:]
                if not is_rejected and not await self._is_full(missing[0], reservation):
                    continue  # another command has just added the document of this limit
                released = reservation.all_limits if is_rejected else parts.pop(0).limits
                permits = [one for one in acquired if one[0] in released]
                acquired[:] = [one for one in acquired if one[0] not in released]
                await self._release(permits)
                if is_rejected:
                    return False
                others = [limit for limit in missing if limit not in released]
                missing = _in_order([*others, *parts[0].limits])

    async def _is_full(self, limit: RateLimit, reservation: Reservation) -> bool:
        record = (await self._load([limit])).get(limit.name)
        return record is not None and record.available_at > reservation.acquired_at

    async def _load(self, limits: Iterable[RateLimit]) -> Mapping[str, RateLimitRecord]:
        documents = await self._loader.load_many([limit.name for limit in limits])
        return {name: RATE_LIMITS.convert_record(document) for name, document in documents.items()}

    async def _release(self, acquired: Iterable[_Counted]) -> None:
        updates = [release_permit(limit, begins_at) for limit, begins_at in acquired]
        await self._write(updates, is_ordered=False)

    async def _write(self, updates: Sequence[UpdateOne], *, is_ordered: bool = True) -> None:
        if updates:
            await self._database.run(
                lambda: self._collection.bulk_write(updates, ordered=is_ordered)
            )


def _first_limits(reservation: Reservation) -> list[RateLimit]:
    """Return the limits of a reservation, with the first part of each divided one."""
    of_parts = [limit for parts in reservation.divided for limit in parts[0].limits]
    return _in_order([*reservation.limits, *of_parts])


def _in_order(limits: Iterable[RateLimit]) -> list[RateLimit]:
    """Return small limits first, so that what they reject uses nothing of those that many share.

    A permit that is kept comes last, because it is never released.
    """
    return sorted(limits, key=lambda limit: (limit.keeps_permits, limit.window.limit, limit.name))


def _updates(
    reservation: Reservation, acquired: Sequence[_Counted], missing: Sequence[RateLimit]
) -> Sequence[UpdateOne]:
    """Return the updates that acquire what is missing and write down all that is acquired."""
    now = reservation.acquired_at
    updates = [acquire_permit(limit, reservation) for limit in missing]
    planned = [*acquired, *_counted(missing, now)]
    if planned and reservation.is_releasable:
        updates.append(add_reservation(reservation.id, planned, now))
    return updates


def _counted(limits: Iterable[RateLimit], now: datetime) -> list[_Counted]:
    return [(limit, sub_period_of(limit, now)) for limit in limits if not limit.keeps_permits]
