"""Rate limits in MongoDB, as sliding windows."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from pymongo import UpdateOne

from adapters.mongo.database import Database
from adapters.mongo.documents import RateLimitDocument
from adapters.mongo.driver import RawDocument
from adapters.mongo.rate_limit_batches import Acquisition, RateLimitBatches, States
from adapters.mongo.rate_limit_documents import Shard, choose, shard_of, shards_of
from application.gathering import gather
from application.ports.errors import ConcurrencyConflict
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

MAX_ATTEMPTS: Final = 100
"""After so many lost races something is wrong."""
MAX_KNOWN_PERMITS: Final = 5_000
"""Permits whose document is known. That of others is found by a search in all of their limit."""

_TOO_MANY_RACES: Final = "too many concurrent reservations of a rate limit"


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
        acquisitions = tuple(map(Acquisition.of, reservations))
        await self.batches.acquire(acquisitions)
        if any(acquisition.missing for acquisition in acquisitions):
            return await asyncio.gather(*map(self._acquire_missing, acquisitions))
        for acquisition in acquisitions:
            self._remember(acquisition)
        return [None] * len(acquisitions)

    async def _acquire_missing(self, acquisition: Acquisition) -> datetime | None:
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

    def _remember(self, acquisition: Acquisition) -> None:
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


def _state_of(documents: States, now: datetime) -> _State:
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
