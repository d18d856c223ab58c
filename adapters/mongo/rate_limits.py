"""Rate limits in MongoDB, as sliding windows.

A document holds as many of the latest reservations as the window allows, in the order in which they
were written. If it is full, the first one has to leave the window before another is accepted. While
it has not, the filter of the upsert finds nothing, so the upsert inserts, and the existing `_id`
rejects that: check and write are one operation.

Clocks differ, so the first one may not be the oldest; then a full document rejects for too long. A
rejected reservation that finds such a document sorts it and tries again.

The document of a limit with values holds the values instead, each with its latest reservation.

Reservations that arrive together are one bulk write, and share one update for each limit that they
have in common. An update that is rejected stops the bulk write. All reservations for its document
look at all documents of the limit, and try again alone; the others go on in smaller batches.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from pymongo import UpdateMany, UpdateOne

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
MAX_KNOWN_PERMITS: Final = 5_000
"""Permits whose document is known. That of others is found by a search in all of their limit."""
SCHEMA_VERSION: Final = 1

_PARTS: Final = 4
"""How many batches are made of one that was stopped."""
_TOO_MANY_RACES: Final = "too many concurrent reservations of a rate limit"


@dataclass(frozen=True, slots=True)
class _Shard:
    """One document of a rate limit, and how many reservations it may hold."""

    id: str
    size: int
    period: timedelta
    value: str | None = None

    @property
    def max_at_once(self) -> int:
        """How many reservations an update adds: one that does not fit is rejected as a whole."""
        if self.value is not None:
            return 1
        return max(1, min(self.size, MAX_RESERVATIONS) // 4)

    def available_at(self, edges: "_Edges | None", now: datetime) -> datetime:
        """Return when it accepts a reservation; a document that does not exist is empty."""
        last = None if edges is None else edges.last
        return now if last is None else max(now, last + self.period)

    def acquire(self, reservations: Sequence[Reservation]) -> UpdateOne:
        """Add the reservations if the document has capacity for all of them."""
        times = [reservation.acquired_at for reservation in reservations]
        first, last, count = min(times), max(times), len(times)
        expires_at = _next_full_minute(last + self.period)
        if self.value is not None:
            return self._acquire_value(self.value, last, expires_at)
        # With $sort, the whole list would go into the oplog.
        latest = {
            "$each": [{"id": one.id, "acquired_at": one.acquired_at} for one in reservations],
            "$slice": -self.size,
        }
        # Those in front are dropped, so each of them has to have left the window.
        is_over = {"$lte": first - self.period}
        has_capacity = [
            {f"reservations.{self.size - count}": {"$exists": False}},
            {
                **{f"reservations.{number}.acquired_at": is_over for number in range(count)},
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


@dataclass(slots=True, eq=False)
class _Acquisition:
    """A reservation, and the documents that have it so far, in the order of its limits.

    `chosen` has a document for each limit; by default a batch chooses any, the same for all.
    """

    reservation: Reservation
    limits: Sequence[RateLimit]
    chosen: Sequence[_Shard] = ()
    shards: list[_Shard] = field(default_factory=list)

    @property
    def missing(self) -> Sequence[RateLimit]:
        """The limits without a permit."""
        return self.limits[len(self.shards) :]


@dataclass(frozen=True, slots=True, eq=False)
class _Release:
    """A reservation, and the documents that may have it."""

    reservation_id: str
    ids: Sequence[str]

    def to_update(self) -> UpdateMany:
        return UpdateMany(
            {"_id": {"$in": self.ids}, "reservations.id": self.reservation_id},
            {"$pull": {"reservations": {"id": self.reservation_id}}},
        )


@dataclass(frozen=True, slots=True, eq=False)
class _CapacityQuery:
    """Which of the limits have no capacity at a time, as far as one document of each tells."""

    limits: Sequence[RateLimit]
    now: datetime


_States = Sequence[tuple[_Shard, _Edges | None]]
"""The documents of a limit, with the edges of those that exist."""


class RateLimitBatches:
    """The calls of requests that arrive together."""

    def __init__(self, database: Database, collection: MotorCollection) -> None:
        """Set the collection, and what runs the calls."""
        self._database = database
        self._in_loop = database.in_event_loop(collection)
        self._documents = DocumentLoader(database, collection, projection={"reservations": True})
        self._states = BatchLoader[RateLimit, _States](self._fetch_states)
        self._full = BatchLoader[_CapacityQuery, Sequence[RateLimit]](self._find_full)
        self._acquisitions = BatchLoader[_Acquisition, None](self._acquire_all)
        self._releases = BatchLoader[_Release, None](self._release_all)

    async def acquire(self, acquisition: _Acquisition) -> None:
        """Acquire permits in the order of the limits, until there is none."""
        await self._database.wait_for(lambda: self._acquisitions.request(acquisition))

    async def release(self, reservation_id: str, ids: Sequence[str]) -> None:
        """Remove a reservation from those of the documents that have it."""
        release = _Release(reservation_id, ids)
        await self._database.wait_for(lambda: self._releases.request(release))

    async def repair(self, updates: Sequence[UpdateOne]) -> None:
        """Make updates that do not depend on each other."""
        await self._database.run(lambda: self._in_loop.bulk_write(updates, ordered=False))

    async def load(self, limit: RateLimit) -> RawDocument:
        """Return the only document of a limit, with all reservations; empty if there is none."""
        return await self._documents.load(_shard(limit, 0).id) or {}

    async def load_states(self, limits: Sequence[RateLimit]) -> Mapping[RateLimit, _States]:
        """Return all documents of the limits."""
        if not limits:
            return {}
        return await self._database.run(lambda: self._states.load_many(limits))

    async def find_full(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[RateLimit]:
        """Return the limits without capacity in any one of their documents."""
        query = _CapacityQuery(limits, now)
        return await self._database.wait_for(lambda: self._full.request(query)) or ()

    async def finish(self) -> None:
        """Return when no call is under way."""
        loaders = self._documents, self._states, self._full, self._acquisitions, self._releases
        await asyncio.gather(*(loader.finish() for loader in loaders))

    async def _acquire_all(self, batch: Sequence[_Acquisition]) -> Mapping[_Acquisition, None]:
        updates = _plan(batch)
        count = await self._write(
            [shard.acquire([one.reservation for one in members]) for shard, members in updates]
        )
        for shard, members in updates[:count]:
            for one in members:
                one.shards.append(shard)
        if count < len(updates):
            full = updates[count][0].id
            rejected = {one for shard, each in updates[count:] if shard.id == full for one in each}
            rest = [one for one in batch if one.missing and one not in rejected]
            parts = [part for first in range(_PARTS) if (part := rest[first::_PARTS])]
            await asyncio.gather(*map(self._acquire_all, parts))
        return {}

    async def _write(self, updates: Sequence[UpdateOne]) -> int:
        """Write in order, and return how many updates were done before one was rejected."""
        try:
            await self._database.write_batch(lambda: self._in_loop.bulk_write(updates))
        except BulkWriteStopped as stopped:
            return stopped.written_count
        return len(updates)

    async def _release_all(self, releases: Sequence[_Release]) -> Mapping[_Release, None]:
        updates = [release.to_update() for release in releases]
        await self._database.write_batch(lambda: self._in_loop.bulk_write(updates, ordered=False))
        return {}

    async def _find_full(
        self, queries: Sequence[_CapacityQuery]
    ) -> Mapping[_CapacityQuery, Sequence[RateLimit]]:
        limits = {limit.name: limit for query in queries for limit in query.limits}
        shards = {name: _any_shard_of(limit) for name, limit in limits.items()}
        edges = await self._find_edges({shard.id: shard for shard in shards.values()})

        def is_full(limit: RateLimit, now: datetime) -> bool:
            shard = shards[limit.name]
            return shard.available_at(edges.get(shard.id), now) > now

        return {
            query: [limit for limit in query.limits if is_full(limit, query.now)]
            for query in queries
        }

    async def _fetch_states(self, limits: Sequence[RateLimit]) -> Mapping[RateLimit, _States]:
        shards = {limit: _shards_of(limit) for limit in limits}
        edges = await self._find_edges({one.id: one for each in shards.values() for one in each})
        return {
            limit: [(shard, edges.get(shard.id)) for shard in shards[limit]] for limit in limits
        }

    async def _find_edges(self, shards: Mapping[str, _Shard]) -> Mapping[str, _Edges]:
        times = "$reservations.acquired_at"
        projection: dict[str, Any] = {
            "length": {"$size": {"$ifNull": ["$reservations", []]}},
            "newest": {"$max": times},
            "oldest": {"$min": times},
            "first": {"$first": times},
        }
        for size in {shard.size for shard in shards.values()}:
            projection[f"last_{size}"] = {"$arrayElemAt": [times, -size]}
        ids = [*shards]
        documents = await self._database.read_batch(
            lambda: self._in_loop.find(
                {"_id": {"$in": ids}}, projection, batch_size=len(ids) + 1
            ).to_list()
        )
        return {
            document["_id"]: _edges(document, shards[document["_id"]])
            for document in documents
            if document["length"]
        }


def _plan(batch: Sequence[_Acquisition]) -> list[tuple[_Shard, list[_Acquisition]]]:
    """Return the updates, for each reservation in the order of its limits."""
    updates: list[tuple[RateLimit, _Shard, list[_Acquisition]]] = []
    shared: dict[str, tuple[_Shard, list[_Acquisition]]] = {}
    for one in batch:
        for number, limit in enumerate(one.missing, len(one.shards)):
            if one.chosen:
                updates.append((limit, one.chosen[number], [one]))
                continue
            if limit.name not in shared:
                shard, members = shared[limit.name] = _any_shard_of(limit), []
                updates.append((limit, shard, members))
            shard, members = shared[limit.name]
            members.append(one)
            if len(members) == shard.max_at_once:
                del shared[limit.name]
    updates.sort(key=lambda update: _rank(update[0]))
    return [(shard, members) for _, shard, members in updates]


def _rank(limit: RateLimit) -> tuple[bool, int, str]:
    """Return the place of a limit, which is the same in all reservations.

    Otherwise each of two reservations could acquire the last permit that the other one needs. Small
    limits come first, so that what they reject uses nothing of those that many share. The permit of
    a value comes last: it cannot be released where another limit is full.
    """
    return limit.value is not None, limit.window.limit, limit.name


@dataclass(frozen=True, slots=True)
class MongoRateLimits:
    """Sliding windows; a reservation that is accepted takes one bulk write."""

    database: Database
    batches: RateLimitBatches
    known_permits: OrderedDict[tuple[str, str], str] = field(
        default_factory=OrderedDict, repr=False, compare=False
    )
    """The document of each of the latest permits, by reservation and limit."""

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a reservation of each limit, or return when all of them accept one again."""
        now = reservation.acquired_at
        acquisition = _Acquisition(reservation, sorted(reservation.limits, key=_rank))
        for _ in range(MAX_ATTEMPTS):
            await self.batches.acquire(acquisition)
            if not acquisition.missing:
                self._remember(acquisition)
                return None
            # The next document is full, or another instance has just inserted it.
            states = await self._load(acquisition.missing, now)
            if repairs := [repair for state in states for repair in state.repairs]:
                await self.batches.repair(repairs)
                acquisition.chosen = ()
                continue
            available_at = max(state.available_at for state in states)
            if available_at > now:
                if acquisition.shards:
                    ids = [shard.id for shard in acquisition.shards]
                    await self.batches.release(reservation.id, ids)
                return available_at
            choices = [_choose(state.available) for state in states]
            acquisition.chosen = [*acquisition.shards, *choices]
        raise ConcurrencyConflict(_TOO_MANY_RACES)

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations; their writes go out together."""
        return await asyncio.gather(*(self.acquire(one) for one in reservations))

    async def release(self, reservation: Reservation) -> None:
        """Release the reservations; missing ones are ignored."""
        ids: list[str] = []
        for limit in reservation.limits:
            if limit.value is None:
                known = self.known_permits.pop((reservation.id, limit.name), None)
                ids += [shard.id for shard in _shards_of(limit)] if known is None else [known]
        if ids:
            await self.batches.release(reservation.id, ids)

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when all limits accept the reservation: its own time, or later.

        Usually any document of a limit has capacity, so the others are read only if it has none.
        """
        now, limits = reservation.acquired_at, reservation.limits
        if all(limit.value is None for limit in limits):
            limits = tuple(await self.batches.find_full(limits, now))
        states = await self._load(limits, now) if limits else []
        return max((state.available_at for state in states), default=now)

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the reservations in the window, the latest last."""
        document = await self.batches.load(limit)
        permits = [
            Permit(reservation["id"], reservation["acquired_at"])
            for reservation in document.get("reservations", [])
            if now - limit.window.period < reservation["acquired_at"] <= now + CLOCK_SKEW
        ]
        return sorted(permits, key=lambda permit: permit.acquired_at)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` documents whose reservations all have left their window."""
        return await self.database.delete_expired(RateLimitDocument, now, limit)

    async def _load(self, limits: Sequence[RateLimit], now: datetime) -> "list[_State]":
        """Load the states of these limits: all reservations where values are limited."""
        of_values = [limit for limit in limits if limit.value is not None]
        states, documents = await asyncio.gather(
            self.batches.load_states([limit for limit in limits if limit.value is None]),
            asyncio.gather(*map(self.batches.load, of_values)),
        )
        by_value = dict(zip(of_values, documents, strict=True))
        return [
            _state_of_values(limit, by_value[limit], now)
            if limit in by_value
            else _state_of(states[limit], now)
            for limit in limits
        ]

    def _remember(self, acquisition: _Acquisition) -> None:
        for limit, shard in zip(acquisition.limits, acquisition.shards, strict=True):
            self.known_permits[acquisition.reservation.id, limit.name] = shard.id
        while len(self.known_permits) > MAX_KNOWN_PERMITS:
            self.known_permits.popitem(last=False)


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


def _state_of(documents: _States, now: datetime) -> _State:
    """Return the state of a rate limit."""
    times = [shard.available_at(edges, now) for shard, edges in documents]
    return _State(
        available=[shard for (shard, _), time in zip(documents, times, strict=True) if time == now],
        repairs=[
            repair
            for shard, edges in documents
            if edges is not None and (repair := shard.repair(edges, now))
        ],
        available_at=min(times),
    )


def _state_of_values(limit: RateLimit, document: RawDocument, now: datetime) -> _State:
    available_at = _value_available_at(limit, document, now)
    return _State([_shard(limit, 0)], (), available_at)


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
