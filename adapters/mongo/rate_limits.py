"""Rate limits in MongoDB, as sliding windows.

A document holds as many of the latest reservations as the window allows, in the order in which they
were written. If it is full, the first one has to leave the window before another is accepted. While
it has not, the filter of the upsert finds nothing, so the upsert inserts, and the existing `_id`
rejects that: check and write are one operation.

Clocks differ, so the first one may not be the oldest; then a full document rejects for too long. A
rejected reservation that finds such a document sorts it and tries again.

The document of a limit with values holds the values instead, each with its latest reservation.

Reservations that arrive together are one bulk write. One that is rejected stops it, and those after
it are written again, each alone.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from pymongo import UpdateOne

from adapters.mongo.batch_loader import BatchLoader, DocumentLoader
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
class _Shard:
    """One document of a rate limit, and how many reservations it may hold."""

    id: str
    size: int
    period: timedelta
    value: str | None = None

    def available_at(self, edges: "Mapping[_Shard, _Edges]", now: datetime) -> datetime:
        """Return when it accepts a reservation; a document that does not exist is empty."""
        last = edges[self].last if self in edges else None
        return now if last is None else max(now, last + self.period)

    def acquire(self, reservation: Reservation) -> UpdateOne:
        """Add the reservation if the document is not full."""
        acquired_at = reservation.acquired_at
        expires_at = _next_full_minute(acquired_at + self.period)
        if self.value is not None:
            return self._acquire_value(self.value, acquired_at, expires_at)
        # With $sort, the whole list would go into the oplog.
        latest = {
            "$each": [{"id": reservation.id, "acquired_at": acquired_at}],
            "$slice": -self.size,
        }
        since = acquired_at - self.period
        has_capacity = [
            {f"reservations.{self.size - 1}": {"$exists": False}},
            {
                "reservations.0.acquired_at": {"$lte": since},
                f"reservations.{self.size}": {"$exists": False},
            },
        ]
        return UpdateOne(
            {"_id": self.id, "$or": has_capacity},
            {
                "$push": {"reservations": latest},
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

    def repair(self, edges: "_Edges", now: datetime) -> UpdateOne | None:
        """Return the update without which the document rejects what it should accept, if any.

        It removes reservations of a clock that was ahead and was set back. Or it sorts and shortens
        the document: its first reservation is not the oldest, or the limit was lowered.
        """
        if edges.newest > now + CLOCK_SKEW:
            future = {"acquired_at": {"$gt": now + CLOCK_SKEW}}
            return UpdateOne({"_id": self.id}, {"$pull": {"reservations": future}})
        since = now - self.period
        if edges.length > self.size or (edges.last and edges.last <= since < edges.first):
            latest = {"$each": [], "$sort": {"acquired_at": 1}, "$slice": -self.size}
            return UpdateOne({"_id": self.id}, {"$push": {"reservations": latest}})
        return None


class _Edges(NamedTuple):
    """What decides whether a document accepts a reservation.

    `last` is the one that has to leave before another fits. `first` is the first in the list.
    """

    length: int
    newest: datetime
    first: datetime
    last: datetime | None


@dataclass(frozen=True, slots=True, eq=False)
class _Writes:
    """The writes of one reservation, in their order."""

    statements: Sequence[UpdateOne]


class RateLimitBatches:
    """The calls of requests that arrive together."""

    def __init__(self, database: Database, collection: MotorCollection) -> None:
        """Set the collection, and what runs the calls."""
        self.collection: Final = collection
        self._database = database
        self._in_loop = database.in_event_loop(collection)
        self._documents = DocumentLoader(database, collection, projection={"reservations": True})
        self._edges = BatchLoader[_Shard, _Edges](self._fetch_edges)
        self._writes = BatchLoader[_Writes, int](self._write_all)

    async def write(self, statements: Sequence[UpdateOne]) -> int:
        """Write in order, and return how many writes were done before one was rejected."""
        writes = _Writes(statements)
        return await self._database.wait_for(lambda: self._writes.request(writes)) or 0

    async def load(self, ids: Sequence[str]) -> Mapping[str, RawDocument]:
        """Return the documents that exist, with all reservations."""
        return await self._documents.load_many(ids) if ids else {}

    async def load_edges(self, shards: Sequence[_Shard]) -> Mapping[_Shard, _Edges]:
        """Return the edges of the documents that exist."""
        if not shards:
            return {}
        return await self._database.run(lambda: self._edges.load_many(shards))

    async def finish(self) -> None:
        """Return when no call is under way."""
        await asyncio.gather(
            *(one.finish() for one in (self._documents, self._edges, self._writes))
        )

    async def _write_all(self, batch: Sequence[_Writes]) -> Mapping[_Writes, int]:
        count = await self._write([statement for one in batch for statement in one.statements])
        counts: dict[_Writes, int] = {}
        for position, one in enumerate(batch):
            counts[one] = min(count, len(one.statements))
            count -= counts[one]
            if counts[one] < len(one.statements):
                rest = batch[position + 1 :]
                alone = await asyncio.gather(*(self._write(other.statements) for other in rest))
                return counts | dict(zip(rest, alone, strict=True))
        return counts

    async def _write(self, statements: Sequence[UpdateOne]) -> int:
        try:
            await self._database.write_batch(lambda: self._in_loop.bulk_write(statements))
        except BulkWriteStopped as stopped:
            return stopped.written_count
        return len(statements)

    async def _fetch_edges(self, shards: Sequence[_Shard]) -> Mapping[_Shard, _Edges]:
        times = "$reservations.acquired_at"
        projection: dict[str, Any] = {
            "length": {"$size": {"$ifNull": ["$reservations", []]}},
            "newest": {"$max": times},
            "oldest": {"$min": times},
            "first": {"$first": times},
        }
        for size in {shard.size for shard in shards}:
            projection[f"last_{size}"] = {"$arrayElemAt": [times, -size]}
        ids = list({shard.id for shard in shards})
        documents = await self._database.read_batch(
            lambda: self._in_loop.find(
                {"_id": {"$in": ids}}, projection, batch_size=len(ids) + 1
            ).to_list()
        )
        found = {document["_id"]: document for document in documents if document["length"]}
        return {shard: _edges(found[shard.id], shard) for shard in shards if shard.id in found}


@dataclass(frozen=True, slots=True)
class MongoRateLimits:
    """Sliding windows; a reservation that is accepted takes one bulk write."""

    database: Database
    batches: RateLimitBatches

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a reservation of each limit, or return when all of them accept one again."""
        # The permit of a value comes last: it cannot be released where another limit is full.
        limits = sorted(reservation.limits, key=lambda limit: limit.value is not None)
        missing: Sequence[RateLimit] = limits
        chosen = [_any_shard_of(limit) for limit in limits]
        for _ in range(MAX_ATTEMPTS):
            count = await self.batches.write([shard.acquire(reservation) for shard in chosen])
            missing, chosen = missing[count:], chosen[count:]
            if not missing:
                return None
            # The next document is full, or another instance has just inserted it.
            states = await self._load(missing, reservation.acquired_at)
            if repairs := [repair for state in states for repair in state.repairs]:
                await self.batches.write(repairs)
                continue
            available_at = max(state.available_at for state in states)
            if available_at > reservation.acquired_at:
                await self._release(reservation, limits[: -len(missing)])
                return available_at
            chosen = [_choose(state.available) for state in states]
        raise ConcurrencyConflict(_TOO_MANY_RACES)

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations; their writes go out together."""
        return await asyncio.gather(*(self.acquire(one) for one in reservations))

    async def release(self, reservation: Reservation) -> None:
        """Release the reservations; missing ones are ignored."""
        await self._release(
            reservation, [limit for limit in reservation.limits if limit.value is None]
        )

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when all limits accept the reservation: its own time, or later.

        Usually any document of a limit has capacity, so the others are read only if it has none.
        """
        now = reservation.acquired_at
        if any(limit.value is not None for limit in reservation.limits):
            return await self._next_available(reservation.limits, now)
        shards = [_any_shard_of(limit) for limit in reservation.limits]
        edges = await self.batches.load_edges(shards)
        full = [
            limit
            for limit, shard in zip(reservation.limits, shards, strict=True)
            if shard.available_at(edges, now) > now
        ]
        return await self._next_available(full, now) if full else now

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the reservations in the window, the latest last."""
        documents = await self.batches.load([shard.id for shard in _shards_of(limit)])
        permits = [
            Permit(reservation["id"], reservation["acquired_at"])
            for document in documents.values()
            for reservation in document["reservations"]
            if now - limit.window.period < reservation["acquired_at"] <= now + CLOCK_SKEW
        ]
        return sorted(permits, key=lambda permit: permit.acquired_at)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` documents whose reservations all have left their window."""
        return await self.database.delete_expired(RateLimitDocument, now, limit)

    async def _next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        states = await self._load(limits, now)
        return max((state.available_at for state in states), default=now)

    async def _load(self, limits: Sequence[RateLimit], now: datetime) -> "list[_State]":
        """Load the states of these limits: all reservations where values are limited."""
        shards = [shard for limit in limits if limit.value is None for shard in _shards_of(limit)]
        of_values = [_any_shard_of(limit).id for limit in limits if limit.value is not None]
        edges, documents = await asyncio.gather(
            self.batches.load_edges(shards), self.batches.load(of_values)
        )
        return [_state_of(limit, edges, documents, now) for limit in limits]

    async def _release(self, reservation: Reservation, limits: Sequence[RateLimit]) -> None:
        if not limits:
            return
        ids = [shard.id for limit in limits for shard in _shards_of(limit)]
        await self.database.run(
            lambda: self.batches.collection.update_many(
                {"_id": {"$in": ids}, "reservations.id": reservation.id},
                {"$pull": {"reservations": {"id": reservation.id}}},
            )
        )


@dataclass(frozen=True, slots=True)
class _State:
    """The documents of a rate limit at a moment.

    `available_at` is when one of them accepts a reservation: that moment, or later.
    """

    available: Sequence[_Shard]
    repairs: Sequence[UpdateOne]
    available_at: datetime


def _shards_of(limit: RateLimit) -> list[_Shard]:
    """Spread a rate limit over as few documents as possible. Those of the fallback are last."""
    shards = [_shard(limit, number) for number in range(_shard_count(limit))]
    return shards if limit.fallback is None else shards + _shards_of(limit.fallback)


def _any_shard_of(limit: RateLimit) -> _Shard:
    return _shard(limit, _choose(range(_shard_count(limit))))


def _shard(limit: RateLimit, number: int) -> _Shard:
    total, count = limit.window.limit, _shard_count(limit)
    size = total // count + (number < total % count)
    return _Shard(f"{limit.name} #{number}", size, limit.window.period, limit.value)


def _shard_count(limit: RateLimit) -> int:
    if limit.value is not None:
        return 1
    return min(-(-limit.window.limit // MAX_RESERVATIONS), MAX_DOCUMENTS)


def _state_of(
    limit: RateLimit,
    edges: "Mapping[_Shard, _Edges]",
    documents: Mapping[str, RawDocument],
    now: datetime,
) -> _State:
    """Return the state of a rate limit."""
    shards = _shards_of(limit)
    if limit.value is not None:
        available_at = _value_available_at(limit, documents.get(shards[0].id, {}), now)
        return _State(shards, (), available_at)
    times = {shard: shard.available_at(edges, now) for shard in shards}
    return _State(
        available=[shard for shard in shards if times[shard] == now],
        repairs=[
            repair
            for shard in shards
            if shard in edges and (repair := shard.repair(edges[shard], now))
        ],
        available_at=min(times.values()),
    )


def _edges(document: RawDocument, shard: _Shard) -> _Edges:
    length = document["length"]
    # All of a full document are in the window if its oldest one is, in any order.
    last = document["oldest"] if length == shard.size else document.get(f"last_{shard.size}")
    return _Edges(length, document["newest"], document["first"], last)


def _next_full_minute(time: datetime) -> datetime:
    """Round up a time: each change of `expires_at` would change the index for the cleanup."""
    rounded = time.replace(second=0, microsecond=0)
    return rounded if rounded == time else rounded + timedelta(minutes=1)


def _value_available_at(limit: RateLimit, document: RawDocument, now: datetime) -> datetime:
    since, latest = now - limit.window.period, now + CLOCK_SKEW
    times = {
        reservation["id"]: reservation["acquired_at"]
        for reservation in document.get("reservations", [])
        if since < reservation["acquired_at"] <= latest
    }
    return now if limit.value in times else limit.window.next_available([*times.values()], now)


def _choose(items: Sequence[T]) -> T:
    if len(items) == 1:
        return items[0]
    return random.choice(items)  # noqa: S311 - it spreads the load; nobody gains by guessing it
