"""Rate limits in MongoDB, as sliding windows.

A document holds as many of the latest reservations as the window allows, the newest first. The
last one has to leave the window before another is accepted. While it has not, the filter of the
upsert finds nothing, so the upsert inserts, and the existing `_id` rejects that: check and write
are one operation.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne

from adapters.mongo.database import Database
from adapters.mongo.documents import RateLimitDocument
from adapters.mongo.driver import BulkWriteStopped, MotorCollection, RawDocument
from application.ports.errors import ConcurrencyConflict
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

MAX_RESERVATIONS: Final = 100
"""In one document: a larger limit is spread over several, so that none is large or contended."""
MAX_ATTEMPTS: Final = 100
"""After so many lost races something is wrong."""
SCHEMA_VERSION: Final = 1

_TOO_MANY_RACES: Final = "too many concurrent reservations of a rate limit"


@dataclass(frozen=True, slots=True)
class MongoRateLimits:
    """Sliding windows; a reservation that is accepted takes one bulk write."""

    database: Database
    collection: MotorCollection

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a reservation of each limit, or return when all of them accept one again."""
        missing = reservation.limits
        chosen = [_any_of(_shards_of(limit)) for limit in missing]
        for _ in range(MAX_ATTEMPTS):
            count = await self._write([shard.acquire(reservation) for shard in chosen])
            missing, chosen = missing[count:], chosen[count:]
            if not missing:
                return None
            # The next document is full, or another instance has just inserted it.
            states = [await self._load(limit, reservation.acquired_at) for limit in missing]
            if stale := [shard for state in states for shard in state.with_future_reservations]:
                await self._write([shard.remove_future(reservation.acquired_at) for shard in stale])
                continue
            available_at = max(state.available_at for state in states)
            if available_at > reservation.acquired_at:
                await self._release(reservation, reservation.limits[: -len(missing)])
                return available_at
            chosen = [_any_of(state.available) for state in states]
        raise ConcurrencyConflict(_TOO_MANY_RACES)

    async def release(self, reservation: Reservation) -> None:
        """Release the reservations; missing ones are ignored."""
        await self._release(reservation, reservation.limits)

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when all limits accept the reservation: its own time, or later."""
        states = await asyncio.gather(
            *(self._load(limit, reservation.acquired_at) for limit in reservation.limits)
        )
        return max((state.available_at for state in states), default=reservation.acquired_at)

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the reservations in the window, the latest last."""
        ids = [shard.id for shard in _shards_of(limit)]
        query = self.collection.find({"_id": {"$in": ids}}, {"reservations": True})
        documents = await self.database.run(query.to_list(None))
        permits = [
            Permit(reservation["id"], reservation["acquired_at"])
            for document in documents
            for reservation in document["reservations"]
            if now - limit.window.period < reservation["acquired_at"] <= now + CLOCK_SKEW
        ]
        return sorted(permits, key=lambda permit: permit.acquired_at)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` documents whose reservations all have left their window."""
        return await self.database.delete_expired(RateLimitDocument, now, limit)

    async def _write(self, writes: Sequence[UpdateOne]) -> int:
        """Write in order, and return how many writes were done before one was rejected."""
        try:
            await self.database.run(self.collection.bulk_write(writes))
        except BulkWriteStopped as stopped:
            return stopped.written_count
        return len(writes)

    async def _load(self, limit: RateLimit, now: datetime) -> "_State":
        ids = [shard.id for shard in _shards_of(limit)]
        query = self.collection.find({"_id": {"$in": ids}}, _projection(limit))
        documents = await self.database.run(query.to_list(None))
        return _state_of(limit, {document["_id"]: document for document in documents}, now)

    async def _release(self, reservation: Reservation, limits: Sequence[RateLimit]) -> None:
        ids = [shard.id for limit in limits for shard in _shards_of(limit)]
        await self.database.run(
            self.collection.update_many(
                {"_id": {"$in": ids}, "reservations.id": reservation.id},
                {"$pull": {"reservations": {"id": reservation.id}}},
            )
        )


@dataclass(frozen=True, slots=True)
class _Shard:
    """One document of a rate limit, and how many reservations it may hold."""

    id: str
    size: int
    period: timedelta

    def acquire(self, reservation: Reservation) -> UpdateOne:
        """Add the reservation if the document is not full."""
        acquired_at, expires_at = reservation.acquired_at, reservation.acquired_at + self.period
        last = f"reservations.{self.size - 1}.acquired_at"
        newest_first = {
            "$each": [{"id": reservation.id, "acquired_at": acquired_at}],
            "$sort": {"acquired_at": -1},
            "$slice": self.size,
        }
        return UpdateOne(
            {"_id": self.id, last: {"$not": {"$gt": acquired_at - self.period}}},
            {
                "$push": {"reservations": newest_first},
                "$max": {"expires_at": expires_at},
                "$setOnInsert": {"schema_version": SCHEMA_VERSION},
            },
            upsert=True,
        )

    def remove_future(self, now: datetime) -> UpdateOne:
        """Remove reservations of a clock that was ahead and was set back."""
        future = {"acquired_at": {"$gt": now + CLOCK_SKEW}}
        return UpdateOne({"_id": self.id}, {"$pull": {"reservations": future}})


@dataclass(frozen=True, slots=True)
class _State:
    """The documents of a rate limit at a moment.

    `available_at` is when one of them accepts a reservation: that moment, or later.
    """

    available: Sequence[_Shard]
    with_future_reservations: Sequence[_Shard]
    available_at: datetime


def _shards_of(limit: RateLimit) -> list[_Shard]:
    """Spread a rate limit over as few documents as possible."""
    total, period = limit.window.limit, limit.window.period
    count = -(-total // MAX_RESERVATIONS)
    return [
        _Shard(f"{limit.name} #{number}", total // count + (number < total % count), period)
        for number in range(count)
    ]


def _min_size(limit: RateLimit) -> int:
    """Return the size of the smallest document; some hold one reservation more."""
    return min(shard.size for shard in _shards_of(limit))


def _projection(limit: RateLimit) -> Mapping[str, Any]:
    """Return what to load of a document: the newest reservation, and the last two."""
    times = "$reservations.acquired_at"
    return {"newest": {"$first": times}, "last": {"$slice": [times, _min_size(limit) - 1, 2]}}


def _state_of(limit: RateLimit, documents: Mapping[str, RawDocument], now: datetime) -> _State:
    """Return the state of a rate limit; a document that does not exist is empty."""
    shards = _shards_of(limit)
    newest = {shard.id: documents.get(shard.id, {}).get("newest") or now for shard in shards}
    available_at = {shard.id: now for shard in shards}
    for shard in shards:
        index = shard.size - _min_size(limit)
        for last in documents.get(shard.id, {}).get("last", [])[index : index + 1]:
            available_at[shard.id] = max(now, last + shard.period)
    return _State(
        available=[shard for shard in shards if available_at[shard.id] == now],
        with_future_reservations=[shard for shard in shards if newest[shard.id] > now + CLOCK_SKEW],
        available_at=min(available_at.values()),
    )


def _any_of(shards: Sequence[_Shard]) -> _Shard:
    return random.choice(shards)  # noqa: S311 - it spreads the load; nobody gains by guessing it
