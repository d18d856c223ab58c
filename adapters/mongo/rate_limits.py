"""Rate limits in MongoDB: sliding windows of counters, a document for each limit."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from adapters.mongo.database import Database
from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.documents import RateLimitDocument
from adapters.mongo.driver import BulkWriteStopped, MotorCollection
from adapters.mongo.rate_limit_updates import (
    RESERVATION,
    acquire_permit,
    add_reservation,
    correct_available_at,
    release_permit,
)
from adapters.records.rate_limits import (
    RateLimitRecord,
    ReservationRecord,
    find_available,
    names_of,
    sub_period_of,
    with_fallback,
)
from application.ports.errors import ConcurrencyConflict
from domain.otp.rate_limits import Permit, RateLimit, Reservation

MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class MongoRateLimits:
    """Sliding windows. A reservation is one ordered bulk write, which stops at a full limit."""

    database: Database
    collection: MotorCollection
    loader: DocumentLoader

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit, or return when all of them have one."""
        now, limits = reservation.acquired_at, reservation.limits
        # Small limits come first, so that what they reject uses nothing of those that many share.
        # A permit that is kept comes last, because it is never released.
        in_order = sorted(
            limits, key=lambda limit: (limit.keeps_permits, limit.window.limit, limit.name)
        )
        for _ in range(MAX_ATTEMPTS):
            if await self._acquire_in_order(reservation, in_order):
                return None
            records = await self._load(names_of(limits))
            available_at = find_available(limits, records, now)
            if available_at > now:
                return available_at
            # A limit was raised, or a clock that was ahead has written a document.
            corrections = [
                correct_available_at(one, now)
                for limit in limits
                for one in with_fallback(limit)
                if one.name in records and records[one.name].available_at > now
            ]
            if corrections:
                await self._write(corrections, is_ordered=False)
        raise ConcurrencyConflict("too many concurrent reservations of a rate limit")

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations."""
        return await asyncio.gather(*map(self.acquire, reservations))

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits, as far as the reservation has them."""
        query = {"_id": f"{RESERVATION}{reservation.id}"}
        document = await self.database.run(lambda: self.collection.find_one_and_delete(query))
        if document is not None:
            record = ReservationRecord.convert(document)
            await self._release(record.released(reservation.limits))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when all limits have a permit: the time of the reservation, or later."""
        records = await self._load(names_of(reservation.limits))
        return find_available(reservation.limits, records, reservation.acquired_at)

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the permits of a listed limit, the latest last."""
        document = await self.loader.load(limit.name)
        return RateLimitRecord.convert(document).list_permits(limit, now) if document else []

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired counters, and as many reservations."""
        return max(
            [
                await self.database.delete_oldest(
                    RateLimitDocument,
                    {field: {"$exists": True}, "expires_at": {"$lte": now}},
                    limit,
                )
                for field in ("available_at", "acquired")
            ]
        )

    async def _acquire_in_order(
        self, reservation: Reservation, limits: Sequence[RateLimit]
    ) -> bool:
        """Acquire a permit of each limit or of its fallback, or of none; return which."""
        now = reservation.acquired_at
        acquired: list[tuple[RateLimit, datetime]] = []
        missing = list(limits)
        while True:
            updates = [acquire_permit(limit, reservation) for limit in missing]
            planned = acquired + _counted(missing, now)
            if planned and reservation.is_releasable:
                updates.append(add_reservation(reservation.id, planned, now))
            try:
                await self._write(updates)
            except BulkWriteStopped as stopped:
                acquired += _counted(missing[: stopped.written_count], now)
                missing = missing[stopped.written_count :]
            else:
                return True
            # Where only the document of the reservation is missing, it was added meanwhile.
            if missing:
                if missing[0].fallback is None:
                    await self._release(acquired)
                    return False
                missing[0] = missing[0].fallback

    async def _load(self, names: Sequence[str]) -> Mapping[str, RateLimitRecord]:
        documents = await self.loader.load_many(names)
        return {name: RateLimitRecord.convert(document) for name, document in documents.items()}

    async def _release(self, acquired: Iterable[tuple[RateLimit, datetime]]) -> None:
        updates = [release_permit(limit, begins_at) for limit, begins_at in acquired]
        if updates:
            await self._write(updates, is_ordered=False)

    async def _write(self, updates: Sequence[UpdateOne], *, is_ordered: bool = True) -> None:
        await self.database.run(lambda: self.collection.bulk_write(updates, ordered=is_ordered))


def _counted(limits: Iterable[RateLimit], now: datetime) -> list[tuple[RateLimit, datetime]]:
    return [(limit, sub_period_of(limit, now)) for limit in limits if not limit.keeps_permits]
