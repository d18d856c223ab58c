"""The documents of a rate limit in MongoDB.

A document holds as many of the latest reservations as the window allows, in the order in which they
were written. An update of a full one keeps only those in the window. If there is still no capacity
for what is acquired, no branch of its `$switch` applies, which is an error. So check and write are
one operation, and the filter of the upsert is the `_id` alone, for which the server plans no query.

The document of a limit with values holds the values instead, each with its latest reservation.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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
_STORED: Final = {"$ifNull": ["$reservations", []]}


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
        last = max(times)
        is_newer = {"$gt": ["$$this.acquired_at", min(times) - self.period]}
        capacity = self.size - len(entries)
        if self.value is None:
            # While there is capacity, an instance whose clock is ahead removes nothing.
            kept: RawDocument = {
                "$cond": [_has_at_most(_STORED, capacity), _STORED, _filter(is_newer)]
            }
            has_capacity = _has_at_most("$$kept", capacity)
        else:
            value = {"$literal": self.value}
            entries = [{"id": self.value, "acquired_at": last}]
            is_other = {"$ne": ["$$this.id", value]}
            is_past = {"$lte": ["$$this.acquired_at", last + CLOCK_SKEW]}
            kept = _filter({"$and": [is_other, is_newer, is_past]})
            has_value = {"$in": [value, "$reservations.id"]}
            has_capacity = {"$or": [_has_at_most("$$kept", capacity), has_value]}
        extended = {"$concatArrays": ["$$kept", {"$literal": entries}]}
        # Without a default, $switch is an error if its case is false.
        or_error = {"$switch": {"branches": [{"case": has_capacity, "then": extended}]}}
        expires_at = _next_full_minute(last + self.period)
        changes = {
            "reservations": {"$let": {"vars": {"kept": kept}, "in": or_error}},
            "expires_at": {"$max": ["$expires_at", expires_at]},
            "schema_version": {"$ifNull": ["$schema_version", SCHEMA_VERSION]},
        }
        return UpdateMany({"_id": self.id}, [{"$set": changes}], upsert=True)

    def repair(self, edges: "Edges", now: datetime) -> UpdateOne | None:
        """Return the update that a document needs before its edges tell when it accepts, if any.

        It removes reservations of a clock that was ahead and was set back. Or it sorts and shortens
        the document, if the limit was lowered.
        """
        if edges.newest > now + CLOCK_SKEW:
            future = {"acquired_at": {"$gt": now + CLOCK_SKEW}}
            return UpdateOne({"_id": self.id}, {"$pull": {"reservations": future}})
        if edges.length > self.size:
            latest = {"$each": [], "$sort": {"acquired_at": 1}, "$slice": -self.size}
            return UpdateOne({"_id": self.id}, {"$push": {"reservations": latest}})
        return None


class Edges(NamedTuple):
    """What decides whether a document accepts a reservation.

    `last` is the one that has to leave before another fits.
    """

    length: int
    newest: datetime
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
    return Edges(length, document["newest"], last)


def entry_of(reservation: Reservation) -> RawDocument:
    """Return a reservation as documents have it.

    Its time has no time zone, so it is in UTC: it is encoded with each limit, at a fifth of the
    time.
    """
    return {
        "id": reservation.id,
        "acquired_at": _NAIVE_EPOCH + (reservation.acquired_at - _EPOCH),
    }


def _has_at_most(reservations: object, count: int) -> RawDocument:
    return {"$lte": [{"$size": reservations}, count]}


def _filter(condition: RawDocument) -> RawDocument:
    return {"$filter": {"input": _STORED, "cond": condition}}


def _next_full_minute(time: datetime) -> datetime:
    """Round up a time: each change of `expires_at` would change the index for the cleanup."""
    return time + (_NAIVE_EPOCH - time) % _MINUTE


def choose(items: Sequence[T]) -> T:
    """Return a random item."""
    if len(items) == 1:
        return items[0]
    return random.choice(items)  # noqa: S311 - it spreads the load; nobody gains by guessing it
