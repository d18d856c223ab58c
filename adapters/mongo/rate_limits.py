"""Rate limits in MongoDB: sliding windows of counters, a document for each limit."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    increment,
    release_permit,
)
from adapters.records.rate_limits import (
    RATE_LIMITS,
    RESERVATIONS,
    RateLimitRecord,
    find_available,
    select_limits,
    sub_period_of,
)
from application.ports.errors import ConcurrencyConflict, CorruptRecord, StorageError
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
        limits = [_first_limits(one) for one in reservations]
        updates = [
            _updates(one, [], own, increment) for one, own in zip(reservations, limits, strict=True)
        ]
        try:
            await self._write([update for own in updates for update in own])
        except BulkWriteStopped as stopped:
            index, written = 0, stopped.written_count
            while written >= len(updates[index]):
                written -= len(updates[index])
                index += 1
            available_at, others = await asyncio.gather(
                self._acquire_rest(reservations[index], limits[index][:written]),
                self.acquire_each(*reservations[index + 1 :]),
            )
            return [*[None] * index, available_at, *others]
        return [None] * len(reservations)

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits, as far as the reservation has them."""
        key = f"{RESERVATION}{reservation.id}"
        query = {"_id": key, "schema_version": {"$lte": RESERVATIONS.schema_version}}
        document = await self._database.run(lambda: self._collection.find_one_and_delete(query))
        if document:
            record = RESERVATIONS.convert_record(document)
            await self._release(record.released(reservation.all_limits))
        elif newer := await self._loader.load(key):
            RESERVATIONS.convert_record(newer)

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

    async def _acquire_rest(
        self, reservation: Reservation, acquired: Sequence[RateLimit]
    ) -> datetime | None:
        """Acquire a reservation whose first command was stopped after these limits.

        Each attempt reads what the first one left open, and decides by that: a limit without a
        permit, the next part of a divided one, or a limit that was nearly full or just added.
        """
        now = reservation.acquired_at
        try:
            for _ in range(MAX_ATTEMPTS):
                records = await self._load(_without(reservation.all_limits, acquired))
                limits = _in_order(select_limits(reservation, records) or [])
                released = _without(acquired, limits)
                acquired = _without(acquired, released)
                await self._release(_counted(released, now))
                if not limits:
                    return find_available(reservation, records)
                missing = _without(limits, acquired)
                await self._correct(missing, records, now)
                try:
                    await self._write(_updates(reservation, acquired, missing, acquire_permit))
                except BulkWriteStopped as stopped:
                    acquired = [*acquired, *missing[: stopped.written_count]]
                else:
                    return None
            raise ConcurrencyConflict("too many concurrent reservations of a rate limit")
        except (StorageError, CorruptRecord):
            # What a failed write has done is unknown, and expires.
            with suppress(StorageError):
                await self._release(_counted(acquired, now))
            raise

    async def _correct(
        self,
        limits: Iterable[RateLimit],
        records: Mapping[str, RateLimitRecord],
        now: datetime,
    ) -> None:
        """Compute anew when these limits have a permit, where that is later than now.

        A limit was raised, or a clock that was ahead has written the document.
        """
        late = (one for one in limits if one.name in records)
        late = (one for one in late if records[one.name].available_at > now)
        await self._write([correct_available_at(one, now) for one in late], is_ordered=False)

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
    return sorted(limits, key=lambda limit: (limit.is_listed, limit.window.limit, limit.name))


def _without(limits: Iterable[RateLimit], others: Collection[RateLimit]) -> list[RateLimit]:
    return [limit for limit in limits if limit not in others]


def _updates(
    reservation: Reservation,
    acquired: Sequence[RateLimit],
    missing: Sequence[RateLimit],
    acquire: Callable[[RateLimit, Reservation], UpdateOne],
) -> Sequence[UpdateOne]:
    """Return the updates that acquire what is missing and write down all that is acquired."""
    now = reservation.acquired_at
    updates = [acquire(limit, reservation) for limit in missing]
    planned = _counted([*acquired, *missing], now)
    if planned and reservation.is_releasable:
        updates.append(add_reservation(reservation.id, planned, now))
    return updates


def _counted(limits: Iterable[RateLimit], now: datetime) -> list[_Counted]:
    return [(limit, sub_period_of(limit, now)) for limit in limits if not limit.is_listed]
