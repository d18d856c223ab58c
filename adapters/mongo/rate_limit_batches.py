"""The calls to MongoDB of many requests that acquire and release permits.

Reservations that arrive together are one bulk write, and share one update for each limit that they
have in common. An update that is rejected stops the bulk write. All reservations for its document
look at all documents of the limit, and try again alone; the others go on in smaller batches.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, Self, TypeVar

from pymongo import UpdateMany, UpdateOne

from adapters.mongo.batch_loader import BatchLoader, DocumentLoader
from adapters.mongo.batch_sizing import BatchSizing
from adapters.mongo.database import Database
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
    edges_of,
    entry_of,
    shard_of,
    shards_of,
)
from domain.otp.rate_limits import RateLimit, Reservation

T = TypeVar("T")

_PARTS: Final = 4
"""How many batches are made of one that was stopped."""


_Rank = tuple[bool, int, str]


@dataclass(slots=True, eq=False)
class Acquisition:
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


_Updates = Sequence[tuple[Shard, Sequence[Acquisition]]]
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


States = Sequence[tuple[Shard, Edges | None]]
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
        # Without the sizing: many who are rejected wait for one key, that of the limit.
        self._states = BatchLoader[RateLimit, States](self._fetch_states)
        self._full = BatchLoader[_CapacityQuery, Sequence[RateLimit]](
            self._find_full, sizing=sizing
        )
        self._acquisitions = BatchLoader[tuple[Acquisition, ...], None](
            self._acquire_all, sizing=sizing
        )
        self._releases = BatchLoader[_Release, None](self._release_all, sizing=sizing)

    async def acquire(self, acquisitions: tuple[Acquisition, ...]) -> None:
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

    async def load_states(self, limits: Sequence[RateLimit]) -> Mapping[RateLimit, States]:
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
        self, batch: Sequence[tuple[Acquisition, ...]]
    ) -> Mapping[tuple[Acquisition, ...], None]:
        await self._acquire_in_parts([one for acquisitions in batch for one in acquisitions])
        return {}

    async def _acquire_in_parts(self, batch: Sequence[Acquisition]) -> None:
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

    async def _fetch_states(self, limits: Sequence[RateLimit]) -> Mapping[RateLimit, States]:
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


def _plan(batch: Sequence[Acquisition]) -> _Updates:
    """Return the updates, for each reservation in the order of its limits."""
    updates: list[tuple[_Rank, Shard, list[Acquisition]]] = []
    shared: dict[str, tuple[Shard, list[Acquisition]]] = {}
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
