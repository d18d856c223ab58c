"""The documents of a rate limit in MongoDB.

A document holds as many of the latest reservations as the window allows, in the order in which they
were written. If it is full, the first one has to leave the window before another is accepted. While
it has not, the filter of the upsert finds nothing, so the upsert inserts, and the existing `_id`
rejects that: check and write are one operation.

Clocks differ, so the first one may not be the oldest; then a full document rejects for too long. A
rejected reservation that finds such a document sorts it and tries again.

The document of a limit with values holds the values instead, each with its latest reservation.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from pymongo import UpdateMany, UpdateOne

from adapters.mongo.driver import RawDocument
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW
from domain.values import dataclass

T = TypeVar("T")

MAX_RESERVATIONS: Final = 100
"""In one document: a larger limit is spread over several, so that none is large or contended."""
MAX_DOCUMENTS: Final = 100
"""For one limit. More would make a rejection slow, which reads all of them."""
SCHEMA_VERSION: Final = 1

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_NAIVE_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_MINUTE: Final = timedelta(minutes=1)
_MISSING: Final = {"$exists": False}


@dataclass(frozen=True, slots=True)
class Shard:
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

    def available_at(self, edges: "Edges | None", now: datetime) -> datetime:
        """Return when it accepts a reservation; a document that does not exist is empty."""
        last = None if edges is None else edges.last
        return now if last is None else max(now, last + self.period)

    def acquire(self, entries: Sequence[RawDocument]) -> UpdateMany:
        """Add these entries if the document has capacity for all of them.

        The driver does not repeat an `UpdateMany`, so the server keeps no record of its session to
        find out whether it was done. That takes up to a quarter of an update's time.
        """
        times = [entry["acquired_at"] for entry in entries]
        first, last, count = min(times), max(times), len(times)
        expires_at = _next_full_minute(last + self.period)
        if self.value is not None:
            return self._acquire_value(self.value, last, expires_at)
        # With $sort, the whole list would go into the oplog.
        latest = {"$each": entries, "$slice": -self.size}
        # Those in front are dropped, so each of them has to have left the window.
        is_over = {"$lte": first - self.period}
        fit, dropped_times, is_valid = _conditions(self.size, count)
        has_capacity = [fit, {**dict.fromkeys(dropped_times, is_over), **is_valid}]
        return UpdateMany(
            {"_id": self.id, "$or": has_capacity},
            {
                "$push": {"reservations": latest},
                "$max": {"expires_at": expires_at},
                "$setOnInsert": {"schema_version": SCHEMA_VERSION},
            },
            upsert=True,
        )

    def _acquire_value(self, value: str, acquired_at: datetime, expires_at: datetime) -> UpdateMany:
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
            {f"reservations.{self.size - 1}": _MISSING},
            {"reservations.acquired_at": {"$lte": since}},
            {"reservations.acquired_at": {"$gt": latest}},
        ]
        return UpdateMany(
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

    def repair(self, edges: "Edges", now: datetime) -> UpdateOne | None:
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


class Edges(NamedTuple):
    """What decides whether a document accepts a reservation.

    `last` is the one that has to leave before another fits. `first` is the first in the list.
    """

    length: int
    newest: datetime
    first: datetime
    last: datetime | None


def shards_of(limit: RateLimit) -> list[Shard]:
    """Spread a rate limit over as few documents as possible. Those of the fallback are last."""
    shards = [shard_of(limit, number) for number in range(_shard_count(limit))]
    return shards if limit.fallback is None else shards + shards_of(limit.fallback)


def any_shard_of(limit: RateLimit) -> Shard:
    """Return a random document of a rate limit."""
    count = _shard_count(limit)
    return _shard_of(limit, int(random.random() * count), count)  # noqa: S311 - it spreads the load


def shard_of(limit: RateLimit, number: int) -> Shard:
    """Return the document of a rate limit with this number."""
    return _shard_of(limit, number, _shard_count(limit))


def _shard_of(limit: RateLimit, number: int, count: int) -> Shard:
    total = limit.window.limit
    size = total // count + (number < total % count)
    return Shard(f"{limit.name} #{number}", size, limit.window.period, limit.value)


def _shard_count(limit: RateLimit) -> int:
    if limit.value is not None:
        return 1
    return min(-(-limit.window.limit // MAX_RESERVATIONS), MAX_DOCUMENTS)


def edges_of(document: RawDocument, shard: Shard) -> Edges:
    """Return the edges that a query has computed for a document."""
    length = document["length"]
    # All of a full document are in the window if its oldest one is, in any order.
    last = document["oldest"] if length == shard.size else document.get(f"last_{shard.size}")
    return Edges(length, document["newest"], document["first"], last)


def entry_of(reservation: Reservation) -> RawDocument:
    """Return a reservation as documents have it.

    Its time has no time zone, so it is in UTC: it is encoded with each limit, at a fifth of the
    time.
    """
    return {
        "id": reservation.id,
        "acquired_at": _NAIVE_EPOCH + (reservation.acquired_at - _EPOCH),
    }


@lru_cache(maxsize=1_000)
def _conditions(size: int, count: int) -> tuple[RawDocument, Sequence[str], RawDocument]:
    """Return what decides whether a document of this size has capacity for so many reservations.

    Returns:
        The condition that they fit, the times of those that would be dropped, and the condition
        that the document has no more than its size.
    """
    return (
        {f"reservations.{size - count}": _MISSING},
        [f"reservations.{number}.acquired_at" for number in range(count)],
        {f"reservations.{size}": _MISSING},
    )


def _next_full_minute(time: datetime) -> datetime:
    """Round up a time: each change of `expires_at` would change the index for the cleanup."""
    return time + (_NAIVE_EPOCH - time) % _MINUTE


def choose(items: Sequence[T]) -> T:
    """Return a random item."""
    if len(items) == 1:
        return items[0]
    return random.choice(items)  # noqa: S311 - it spreads the load; nobody gains by guessing it
