"""Rate limits in MongoDB, as sliding windows.

Reservations that arrive together are one bulk write, and share one update for each limit that they
have in common. An update that is rejected stops the bulk write. All reservations for its document
look at all documents of the limit, and try again alone; the others go on in smaller batches.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Final, Self, TypeVar

from pymongo import UpdateMany, UpdateOne

from adapters.mongo.batch_loader import BatchLoader, DocumentLoader
from adapters.mongo.batch_sizing import BatchSizing
from adapters.mongo.database import Database
from adapters.mongo.documents import RateLimitDocument
from adapters.mongo.driver import (
    BulkWriteStopped,
    CallInterrupted,
    MotorCollection,
    RawDocument,
)
from adapters.mongo.rate_limit_documents import (
    Edges,
    Shard,
    any_shard_of,
    choose,
    edges_of,
    entry_of,
    shard_of,
    shards_of,
)
from application.gathering import gather
from application.ports.errors import ConcurrencyConflict
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

T = TypeVar("T")

MAX_ATTEMPTS: Final = 100
"""After so many lost races something is wrong."""
MAX_KNOWN_PERMITS: Final = 5_000
"""Permits whose document is known. That of others is found by a search in all of their limit."""

_PARTS: Final = 4
"""How many batches are made of one that was stopped."""
_TOO_MANY_RACES: Final = "too many concurrent reservations of a rate limit"


_Rank = tuple[bool, int, str]


@dataclass(slots=True, eq=False)
class _Acquisition:
    """A reservation, and the documents that have it so far, in the order of its limits.

    `chosen` has a document for each limit; by default a batch chooses any, the same for all.
    """

    reservation: Reservation
    entry: RawDocument
    ranked: Sequence[tuple[_Rank, RateLimit]]
    chosen: Sequence[Shard] = ()
    shards: list[Shard] = field(default_factory=list)

    @classmethod
    def of(cls, reservation: Reservation) -> Self:
        """Begin to acquire a reservation."""
        ranked = sorted(((_rank(limit), limit) for limit in reservation.limits), key=itemgetter(0))
        return cls(reservation, entry_of(reservation), ranked)

    @property
    def missing(self) -> Sequence[RateLimit]:
        """The limits without a permit."""
        return [limit for _, limit in self.ranked[len(self.shards) :]]


_Updates = Sequence[tuple[Shard, Sequence[_Acquisition]]]
"""The documents to update, with those that acquire there."""


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


_States = Sequence[tuple[Shard, Edges | None]]
"""The documents of a limit, with the edges of those that exist."""


class RateLimitBatches:
    """The calls of requests that arrive together."""

    def __init__(
        self, database: Database, collection: MotorCollection, sizing: BatchSizing
    ) -> None:
        """Set the collection, what runs the calls, and how large batches are."""
        self._database = database
        self._in_loop = database.in_event_loop(collection)
        self._documents = DocumentLoader(
            database, collection, projection={"reservations": True}, sizing=sizing
        )
        self._states = BatchLoader[RateLimit, _States](self._fetch_states, sizing=sizing)
        self._full = BatchLoader[_CapacityQuery, Sequence[RateLimit]](
            self._find_full, sizing=sizing
        )
        self._acquisitions = BatchLoader[tuple[_Acquisition, ...], None](
            self._acquire_all, sizing=sizing
        )
        self._releases = BatchLoader[_Release, None](self._release_all, sizing=sizing)

    async def acquire(self, acquisitions: tuple[_Acquisition, ...]) -> None:
        """Acquire permits, for each acquisition in the order of its limits, until there is none."""
        await self._database.wait_for(lambda: self._acquisitions.request(acquisitions))

    async def release(self, reservation_id: str, ids: Sequence[str]) -> None:
        """Remove a reservation from those of the documents that have it."""
        release = _Release(reservation_id, ids)
        await self._database.wait_for(lambda: self._releases.request(release))

    async def repair(self, updates: Sequence[UpdateOne]) -> None:
        """Make updates that do not depend on each other."""
        await self._database.run(lambda: self._in_loop.bulk_write(updates, ordered=False))

    def load_as(self, limit: RateLimit, convert: Callable[[RawDocument | None], T]) -> Awaitable[T]:
        """Return what `convert` makes of the only document of a limit, with all reservations."""
        return self._documents.load_as(shard_of(limit, 0).id, convert)

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

    async def _acquire_all(
        self, batch: Sequence[tuple[_Acquisition, ...]]
    ) -> Mapping[tuple[_Acquisition, ...], None]:
        await self._acquire_in_parts([one for acquisitions in batch for one in acquisitions])
        return {}

    async def _acquire_in_parts(self, batch: Sequence[_Acquisition]) -> None:
        updates = _plan(batch)
        try:
            count = await self._write(updates)
        except CallInterrupted:
            # What may be written is removed first: it would count twice.
            await self._release_all(_releases_of(updates))
            count = await self._write(updates)
        for shard, members in updates[:count]:
            for one in members:
                one.shards.append(shard)
        if count < len(updates):
            full = updates[count][0].id
            rejected = {one for shard, each in updates[count:] if shard.id == full for one in each}
            rest = [one for one in batch if one.missing and one not in rejected]
            parts = [part for first in range(_PARTS) if (part := rest[first::_PARTS])]
            await asyncio.gather(*map(self._acquire_in_parts, parts))

    async def _write(self, updates: _Updates) -> int:
        """Write in order, and return how many updates were done before one was rejected."""
        statements = [shard.acquire([one.entry for one in members]) for shard, members in updates]
        try:
            await self._database.write_batch(lambda: self._in_loop.bulk_write(statements))
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
        shards = {name: any_shard_of(limit) for name, limit in limits.items()}
        edges = await self._find_edges({shard.id: shard for shard in shards.values()})

        def is_full(limit: RateLimit, now: datetime) -> bool:
            shard = shards[limit.name]
            return shard.available_at(edges.get(shard.id), now) > now

        return {
            query: [limit for limit in query.limits if is_full(limit, query.now)]
            for query in queries
        }

    async def _fetch_states(self, limits: Sequence[RateLimit]) -> Mapping[RateLimit, _States]:
        shards = {limit: shards_of(limit) for limit in limits}
        edges = await self._find_edges({one.id: one for each in shards.values() for one in each})
        return {
            limit: [(shard, edges.get(shard.id)) for shard in shards[limit]] for limit in limits
        }

    async def _find_edges(self, shards: Mapping[str, Shard]) -> Mapping[str, Edges]:
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
            document["_id"]: edges_of(document, shards[document["_id"]])
            for document in documents
            if document["length"]
        }


def _plan(batch: Sequence[_Acquisition]) -> _Updates:
    """Return the updates, for each reservation in the order of its limits."""
    updates: list[tuple[_Rank, Shard, list[_Acquisition]]] = []
    shared: dict[str, tuple[Shard, list[_Acquisition]]] = {}
    for one in batch:
        for number, (rank, limit) in enumerate(one.ranked[len(one.shards) :], len(one.shards)):
            if one.chosen:
                updates.append((rank, one.chosen[number], [one]))
                continue
            if limit.name not in shared:
                shard, members = shared[limit.name] = any_shard_of(limit), []
                updates.append((rank, shard, members))
            shard, members = shared[limit.name]
            members.append(one)
            if len(members) == shard.max_at_once:
                del shared[limit.name]
    updates.sort(key=itemgetter(0))
    return [(shard, members) for _, shard, members in updates]


def _releases_of(updates: _Updates) -> Sequence[_Release]:
    ids: dict[str, list[str]] = {}
    for shard, members in updates:
        for one in members:
            ids.setdefault(one.reservation.id, []).append(shard.id)
    return [_Release(reservation_id, shards) for reservation_id, shards in ids.items()]


def _rank(limit: RateLimit) -> _Rank:
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
        [available_at] = await self.acquire_each(reservation)
        return available_at

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations; their writes go out together."""
        acquisitions = tuple(map(_Acquisition.of, reservations))
        await self.batches.acquire(acquisitions)
        if any(acquisition.missing for acquisition in acquisitions):
            return await asyncio.gather(*map(self._acquire_missing, acquisitions))
        for acquisition in acquisitions:
            self._remember(acquisition)
        return [None] * len(acquisitions)

    async def _acquire_missing(self, acquisition: _Acquisition) -> datetime | None:
        """Acquire what is missing after the first write."""
        reservation, now = acquisition.reservation, acquisition.reservation.acquired_at
        for _ in range(MAX_ATTEMPTS):
            if not acquisition.missing:
                self._remember(acquisition)
                return None
            # The next document is full, or another instance has just inserted it.
            states = await self._load(acquisition.missing, now)
            if repairs := [repair for state in states for repair in state.repairs]:
                await self.batches.repair(repairs)
                acquisition.chosen = ()
            else:
                available_at = max(state.available_at for state in states)
                if available_at > now:
                    if acquisition.shards:
                        ids = [shard.id for shard in acquisition.shards]
                        await self.batches.release(reservation.id, ids)
                    return available_at
                choices = [choose(state.available) for state in states]
                acquisition.chosen = [*acquisition.shards, *choices]
            await self.batches.acquire((acquisition,))
        raise ConcurrencyConflict(_TOO_MANY_RACES)

    async def release(self, reservation: Reservation) -> None:
        """Release the reservations; missing ones are ignored."""
        ids: list[str] = []
        for limit in reservation.limits:
            if limit.value is None:
                known = self.known_permits.pop((reservation.id, limit.name), None)
                ids += [shard.id for shard in shards_of(limit)] if known is None else [known]
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

    def list_permits(self, limit: RateLimit, now: datetime) -> Awaitable[Sequence[Permit]]:
        """Return the reservations in the window, the latest last."""
        return self.batches.load_as(limit, partial(_permits_of, limit, now))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` documents whose reservations all have left their window."""
        return await self.database.delete_expired(RateLimitDocument, now, limit)

    async def _load(self, limits: Sequence[RateLimit], now: datetime) -> "list[_State]":
        """Load the states of these limits: all reservations where values are limited."""
        of_values = [limit for limit in limits if limit.value is not None]
        states, documents = await asyncio.gather(
            self.batches.load_states([limit for limit in limits if limit.value is None]),
            gather(*(self._load_values(limit, now) for limit in of_values)),
        )
        by_value = dict(zip(of_values, documents, strict=True))
        return [
            by_value[limit] if limit in by_value else _state_of(states[limit], now)
            for limit in limits
        ]

    def _load_values(self, limit: RateLimit, now: datetime) -> "Awaitable[_State]":
        return self.batches.load_as(limit, partial(_state_of_values, limit, now))

    def _remember(self, acquisition: _Acquisition) -> None:
        for (_, limit), shard in zip(acquisition.ranked, acquisition.shards, strict=True):
            self.known_permits[acquisition.reservation.id, limit.name] = shard.id
        while len(self.known_permits) > MAX_KNOWN_PERMITS:
            self.known_permits.popitem(last=False)


def _permits_of(limit: RateLimit, now: datetime, document: RawDocument | None) -> list[Permit]:
    if document is None:
        return []
    permits = [
        Permit(reservation["id"], reservation["acquired_at"])
        for reservation in document.get("reservations", [])
        if now - limit.window.period < reservation["acquired_at"] <= now + CLOCK_SKEW
    ]
    return sorted(permits, key=lambda permit: permit.acquired_at)


@dataclass(frozen=True, slots=True)
class _State:
    """The documents of a rate limit at a moment.

    `available_at` is when one of them accepts a reservation: that moment, or later.
    """

    available: Sequence[Shard]
    repairs: Sequence[UpdateOne]
    available_at: datetime


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


def _state_of_values(limit: RateLimit, now: datetime, document: RawDocument | None) -> _State:
    since, latest = now - limit.window.period, now + CLOCK_SKEW
    times = {
        reservation["id"]: reservation["acquired_at"]
        for reservation in (document or {}).get("reservations", [])
        if since < reservation["acquired_at"] <= latest
    }
    is_known = limit.value in times
    available_at = now if is_known else limit.window.next_available([*times.values()], now)
    return _State([shard_of(limit, 0)], (), available_at)
