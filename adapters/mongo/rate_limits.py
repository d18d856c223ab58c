"""Rate limits in MongoDB, as sliding windows.

A document holds as many of the latest reservations as the window allows, the newest first. The
last one has to leave the window before another is accepted. While it has not, the filter of the
upsert finds nothing, so the upsert inserts, and the existing `_id` rejects that: check and write
are one operation.

The document of a limit with values holds the values instead, each with its latest reservation.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from pymongo import UpdateOne

from adapters.mongo.database import Database
from adapters.mongo.documents import RateLimitDocument
from adapters.mongo.driver import BulkWriteStopped, MotorCollection, RawDocument
from application.ports.errors import ConcurrencyConflict
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

T = TypeVar("T")

MAX_RESERVATIONS: Final = 100
"""In one document: a larger limit is spread over several, so that none is large or contended."""
MAX_DOCUMENTS: Final = 100
"""For one limit. More would make a rejection slow, which reads all of them."""
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
        # The permit of a value comes last: it cannot be released where another limit is full.
        limits = sorted(reservation.limits, key=lambda limit: limit.value is not None)
        missing: Sequence[RateLimit] = limits
        chosen = [_any_shard_of(limit) for limit in limits]
        for _ in range(MAX_ATTEMPTS):
            count = await self._write([shard.acquire(reservation) for shard in chosen])
            missing, chosen = missing[count:], chosen[count:]
            if not missing:
                return None
            # The next document is full, or another instance has just inserted it.
            states = await self._load(missing, reservation.acquired_at)
            if stale := [shard for state in states for shard in state.with_future_reservations]:
                await self._write([shard.remove_future(reservation.acquired_at) for shard in stale])
                continue
            available_at = max(state.available_at for state in states)
            if available_at > reservation.acquired_at:
                await self._release(reservation, limits[: -len(missing)])
                return available_at
            chosen = [_choose(state.available) for state in states]
        raise ConcurrencyConflict(_TOO_MANY_RACES)

    async def release(self, reservation: Reservation) -> None:
        """Release the reservations; missing ones are ignored."""
        await self._release(
            reservation, [limit for limit in reservation.limits if limit.value is None]
        )

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when all limits accept the reservation: its own time, or later."""
        states = await self._load(reservation.limits, reservation.acquired_at)
        return max((state.available_at for state in states), default=reservation.acquired_at)

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the reservations in the window, the latest last."""
        ids = [shard.id for shard in _shards_of(limit)]
        query = self.collection.find({"_id": {"$in": ids}}, {"reservations": True})
        documents = await self.database.run(lambda: query.to_list(None))
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
            await self.database.run(lambda: self.collection.bulk_write(writes))
        except BulkWriteStopped as stopped:
            return stopped.written_count
        return len(writes)

    async def _load(self, limits: Sequence[RateLimit], now: datetime) -> "list[_State]":
        """Load the states of these limits, with one query for all documents of the same size."""
        groups: dict[int | None, list[str]] = defaultdict(list)
        for shard in (shard for limit in limits for shard in _shards_of(limit)):
            groups[shard.min_size if shard.value is None else None].append(shard.id)
        found = await asyncio.gather(*(self._find(size, groups[size]) for size in groups))
        documents = {document["_id"]: document for group in found for document in group}
        return [_state_of(limit, documents, now) for limit in limits]

    async def _find(self, min_size: int | None, ids: Sequence[str]) -> Sequence[RawDocument]:
        query = self.collection.find({"_id": {"$in": ids}}, _projection(min_size))
        return await self.database.run(lambda: query.to_list(None))

    async def _release(self, reservation: Reservation, limits: Sequence[RateLimit]) -> None:
        if not limits:
            return
        ids = [shard.id for limit in limits for shard in _shards_of(limit)]
        await self.database.run(
            lambda: self.collection.update_many(
                {"_id": {"$in": ids}, "reservations.id": reservation.id},
                {"$pull": {"reservations": {"id": reservation.id}}},
            )
        )


@dataclass(frozen=True, slots=True)
class _Shard:
    """One document of a rate limit, and how many reservations it may hold.

    Some documents of a limit hold one reservation more than the smallest, which hold `min_size`.
    """

    id: str
    size: int
    min_size: int
    period: timedelta
    value: str | None = None

    def acquire(self, reservation: Reservation) -> UpdateOne:
        """Add the reservation if the document is not full."""
        acquired_at, expires_at = reservation.acquired_at, reservation.acquired_at + self.period
        if self.value is not None:
            return self._acquire_value(self.value, acquired_at, expires_at)
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

    def _acquire_value(self, value: str, acquired_at: datetime, expires_at: datetime) -> UpdateOne:
        """Replace the reservation of the value, or add it if the document is not full."""
        since, latest = acquired_at - self.period, acquired_at + CLOCK_SKEW
        others = {
            "$filter": {
                "input": {"$ifNull": ["$reservations", []]},
                "cond": {
                    "$and": [
                        {"$ne": ["$$this.id", {"$literal": value}]},
                        {"$gt": ["$$this.acquired_at", since]},
                        {"$lte": ["$$this.acquired_at", latest]},
                    ]
                },
            }
        }
        own = {"id": {"$literal": value}, "acquired_at": acquired_at}
        has_value_or_capacity = [
            {"reservations.id": value},
            {f"reservations.{self.size - 1}": {"$exists": False}},
            {"reservations.acquired_at": {"$lte": since}},
            {"reservations.acquired_at": {"$gt": latest}},
        ]
        return UpdateOne(
            {"_id": self.id, "$or": has_value_or_capacity},
            [
                {
                    "$set": {
                        "reservations": {"$concatArrays": [[own], others]},
                        "expires_at": {"$max": ["$expires_at", expires_at]},
                        "schema_version": {"$ifNull": ["$schema_version", SCHEMA_VERSION]},
                    }
                }
            ],
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
    """Spread a rate limit over as few documents as possible. Those of the fallback are last."""
    shards = [_shard(limit, number) for number in range(_shard_count(limit))]
    return shards if limit.fallback is None else shards + _shards_of(limit.fallback)


def _any_shard_of(limit: RateLimit) -> _Shard:
    return _shard(limit, _choose(range(_shard_count(limit))))


def _shard(limit: RateLimit, number: int) -> _Shard:
    total, count = limit.window.limit, _shard_count(limit)
    min_size = total // count
    size = min_size + (number < total % count)
    return _Shard(f"{limit.name} #{number}", size, min_size, limit.window.period, limit.value)


def _shard_count(limit: RateLimit) -> int:
    if limit.value is not None:
        return 1
    return min(-(-limit.window.limit // MAX_RESERVATIONS), MAX_DOCUMENTS)


def _projection(min_size: int | None) -> Mapping[str, Any]:
    """Return what to load of a document: the newest reservation, and the last two.

    Of values, all reservations are loaded.
    """
    if min_size is None:
        return {"reservations": True}
    times = "$reservations.acquired_at"
    return {"newest": {"$first": times}, "last": {"$slice": [times, min_size - 1, 2]}}


def _state_of(limit: RateLimit, documents: Mapping[str, RawDocument], now: datetime) -> _State:
    """Return the state of a rate limit; a document that does not exist is empty."""
    shards = _shards_of(limit)
    if limit.value is not None:
        available_at = _value_available_at(limit, documents.get(shards[0].id, {}), now)
        return _State(shards, (), available_at)
    newest = {shard.id: documents.get(shard.id, {}).get("newest") or now for shard in shards}
    times = {shard.id: now for shard in shards}
    for shard in shards:
        index = shard.size - shard.min_size
        for last in documents.get(shard.id, {}).get("last", [])[index : index + 1]:
            times[shard.id] = max(now, last + shard.period)
    return _State(
        available=[shard for shard in shards if times[shard.id] == now],
        with_future_reservations=[shard for shard in shards if newest[shard.id] > now + CLOCK_SKEW],
        available_at=min(times.values()),
    )


def _value_available_at(limit: RateLimit, document: RawDocument, now: datetime) -> datetime:
    since, latest = now - limit.window.period, now + CLOCK_SKEW
    times = {
        reservation["id"]: reservation["acquired_at"]
        for reservation in document.get("reservations", [])
        if since < reservation["acquired_at"] <= latest
    }
    return now if limit.value in times else limit.window.next_available([*times.values()], now)


def _choose(items: Sequence[T]) -> T:
    return random.choice(items)  # noqa: S311 - it spreads the load; nobody gains by guessing it
