"""The updates of rate limits, which count and decide on the server.

The document of a limit has a counter for each sub-period, in the order of their times, and
`available_at`: when it has a permit again. The filter of an update finds only a document with a
permit. Where there is none, the upsert inserts, and the existing `_id` rejects that.

A pipeline counts exactly. A limit that is far from full needs no more than an increment, which
takes the server less than half of the time: its filter also rejects a document that is nearly full,
has many old counters, or was changed by a clock that is ahead.

No update finds a limit of a newer program: it looks like a full one, and the read after that says
that it is newer. An upgrade of these records is written into the updates too.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import bson
from bson.raw_bson import RawBSONDocument
from cachetools import LRUCache, cached
from pymongo import UpdateOne

from adapters.records.rate_limits import (
    MAX_PERMITS,
    MILLISECOND,
    NOW_AVAILABLE,
    RATE_LIMITS,
    RESERVATIONS,
    counter_key,
    expires_at,
    kept_for,
    sub_period,
    sub_period_of,
)
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow

RESERVATION: Final = "reservation:"
MAX_KEPT_UPDATES: Final = 1_000
SMALLEST_INCREMENTED: Final = 10
"""Smaller limits are often nearly full."""
MAX_OLD_COUNTERS: Final = 120
"""So many counters may be too old to count. An increment removes none."""
Expression = Mapping[str, Any]
_KNOWN: Final = {"schema_version": {"$lte": RATE_LIMITS.schema_version}}


def increment(limit: RateLimit, reservation: Reservation) -> UpdateOne:
    """Add a permit, if the limit is far from full; a small one may be nearly full."""
    if limit.is_listed or limit.window.limit < SMALLEST_INCREMENTED:
        return acquire_permit(limit, reservation)
    now = reservation.acquired_at
    far_from_full, changes = _increment(limit.window, sub_period_of(limit, now))
    query = {"_id": limit.name, "available_at": {"$lte": now}, **_KNOWN, **far_from_full}
    return UpdateOne(query, changes, upsert=True)


def acquire_permit(limit: RateLimit, reservation: Reservation) -> UpdateOne:
    """Add a permit, if the limit has one."""
    now = reservation.acquired_at
    if limit.is_listed:
        return _keep_permit(limit, reservation)
    changes = _count(limit.window, sub_period_of(limit, now))
    query = {"_id": limit.name, "available_at": {"$lte": now}, **_KNOWN}
    return UpdateOne(query, changes, upsert=True)


def correct_available_at(limit: RateLimit, now: datetime) -> UpdateOne:
    """Compute anew when a limit has a permit: it was raised, or another clock was ahead."""
    entries = _entries_of(limit)
    since = now - entries.counted_for
    counted = entries.between(entries.stored, since, now + CLOCK_SKEW)
    changes = _encode({"available_at": entries.available_at(limit, counted)})
    return UpdateOne({"_id": limit.name, **_KNOWN}, changes)


def release_permit(limit: RateLimit, begins_at: datetime) -> UpdateOne:
    """Count a permit of a sub-period no longer, never below zero."""
    has_permit = {f"counters.{counter_key(begins_at)}": {"$gt": 0}}
    changes = _count_no_longer(limit.window, begins_at)
    return UpdateOne({"_id": limit.name, **_KNOWN, **has_permit}, changes)


def add_reservation(
    reservation_id: str, acquired: Sequence[tuple[RateLimit, datetime]], now: datetime
) -> UpdateOne:
    """Write down what a reservation acquired, until all of it has expired."""
    permits = [{"limit_name": limit.name, "begins_at": begins_at} for limit, begins_at in acquired]
    return UpdateOne(
        {"_id": f"{RESERVATION}{reservation_id}"},
        {
            "$push": {"acquired": {"$each": permits}},
            "$max": {
                "schema_version": RESERVATIONS.schema_version,
                "expires_at": max(expires_at(limit, now) for limit, _ in acquired),
            },
        },
        upsert=True,
    )


class _Entries(NamedTuple):
    """What a document has of its permits: counters, or the permits themselves.

    Attributes:
        stored: The list in the document.
        key: The field with the time of an entry.
        to_key: Turns a time into what this field has.
        time: The time of an entry.
        permits: The number of permits of an entry.
        total: The number of permits of all entries.
        counted_for: For how long after its time an entry counts.
    """

    stored: Expression
    key: str
    to_key: Callable[[datetime], object]
    time: str | Expression
    permits: str | int
    total: str | Expression
    counted_for: timedelta

    def between(self, entries: object, since: datetime, until: datetime | None) -> Expression:
        """Return the entries after one time, and up to another one, if there is one."""
        newer = {"$gt": [self.key, self.to_key(since)]}
        if until is None:
            return _filter(entries, newer)
        return _filter(entries, {"$and": [newer, {"$lte": [self.key, self.to_key(until)]}]})

    def available_at(self, limit: RateLimit, counted: object) -> Expression:
        """Return when enough of these entries no longer count: see `records.rate_limits`."""
        size = limit.window.limit
        newer = {"$add": ["$$value.newer", self.permits]}
        reaches_limit = {"$and": [{"$lt": ["$$value.newer", size]}, {"$gte": [newer, size]}]}
        leaves_at = {"$add": [self.time, self.counted_for // MILLISECOND]}
        found = {
            "$reduce": {
                "input": {"$reverseArray": counted},
                "initialValue": {"newer": 0, "time": NOW_AVAILABLE},
                "in": {
                    "newer": newer,
                    "time": {"$cond": [reaches_limit, leaves_at, "$$value.time"]},
                },
            }
        }
        time = {"$let": {"vars": {"found": found}, "in": "$$found.time"}}
        # Most limits have far fewer permits, also with those that no longer count.
        return {"$cond": [{"$gte": [self.total, size]}, time, NOW_AVAILABLE]}


def _entries_of(limit: RateLimit) -> _Entries:
    period = limit.window.period
    if limit.is_listed:
        permits = {"$ifNull": ["$permits", []]}
        time = "$$this.acquired_at"
        return _Entries(permits, time, lambda time: time, time, 1, {"$size": permits}, period)
    return _Entries(
        stored={"$objectToArray": {"$ifNull": ["$counters", {}]}},
        key="$$this.k",
        to_key=counter_key,
        time={"$toDate": {"$toLong": "$$this.k"}},
        permits="$$this.v",
        total="$total",
        counted_for=period + sub_period(limit),
    )


def _keep_permit(limit: RateLimit, reservation: Reservation) -> UpdateOne:
    """Add a permit to those of a listed limit, if it has one."""
    now, period = reservation.acquired_at, limit.window.period
    entries = _entries_of(limit)
    others: Expression = entries.between(entries.stored, now - period - CLOCK_SKEW, None)
    permit = {"reservation_id": {"$literal": reservation.id}, "acquired_at": now}
    permits = {"$slice": [{"$concatArrays": [others, [permit]]}, -MAX_PERMITS]}
    counted = entries.between("$permits", now - period, now + CLOCK_SKEW)
    changes: Sequence[Expression] = [
        {
            "$set": {
                "permits": permits,
                "expires_at": {"$max": ["$expires_at", expires_at(limit, now)]},
                "schema_version": {"$max": ["$schema_version", RATE_LIMITS.schema_version]},
            }
        },
        {"$set": {"available_at": entries.available_at(limit, counted)}},
    ]
    query = {"_id": limit.name, "available_at": {"$lte": now}, **_KNOWN}
    return UpdateOne(query, changes, upsert=True)


# All requests of a sub-period have the same updates: to make and encode them would take longer than
# the rest of a request.
@cached(LRUCache(MAX_KEPT_UPDATES))
def _increment(window: SlidingWindow, begins_at: datetime) -> tuple[Expression, RawBSONDocument]:
    limit = RateLimit("", window)
    key, oldest = counter_key(begins_at), counter_key(begins_at - 2 * kept_for(limit))
    far_from_full = {
        "total": {"$lt": window.limit - 1},
        "newest": {"$lte": key},
        "$or": [{"total": {"$lt": MAX_OLD_COUNTERS}}, {"oldest": {"$gte": oldest}}],
    }
    changes = {
        "$inc": {f"counters.{key}": 1, "total": 1},
        "$max": {
            "newest": key,
            "expires_at": expires_at(limit, begins_at),
            "schema_version": RATE_LIMITS.schema_version,
        },
        "$setOnInsert": {"oldest": key, "available_at": NOW_AVAILABLE},
    }
    return far_from_full, RawBSONDocument(bson.encode(changes))


@cached(LRUCache(MAX_KEPT_UPDATES))
def _count(window: SlidingWindow, begins_at: datetime) -> Sequence[RawBSONDocument]:
    limit = RateLimit("", window)
    entries = _entries_of(limit)
    key = counter_key(begins_at)
    counters = [
        # Another clock may be behind this one.
        entries.between(entries.stored, begins_at - kept_for(limit), begins_at - MILLISECOND),
        [{"k": key, "v": {"$add": [1, {"$ifNull": [f"$counters.{key}", 0]}]}}],
        entries.between(entries.stored, begins_at, None),
    ]
    keys = {"$map": {"input": entries.stored, "in": entries.key}}
    # For a clock that is behind, older ones still count. Others make a time that is over.
    oldest = begins_at - kept_for(limit)
    newest = begins_at + sub_period(limit) + CLOCK_SKEW
    return _encode(
        {
            "counters": {"$arrayToObject": {"$concatArrays": counters}},
            "expires_at": {"$max": ["$expires_at", expires_at(limit, begins_at)]},
            "schema_version": {"$max": ["$schema_version", RATE_LIMITS.schema_version]},
        },
        {
            "total": {"$sum": {"$map": {"input": entries.stored, "in": entries.permits}}},
            "oldest": {"$first": keys},
            "newest": {"$last": keys},
        },
        {
            "available_at": entries.available_at(
                limit, entries.between(entries.stored, oldest, newest)
            )
        },
    )


@cached(LRUCache(MAX_KEPT_UPDATES))
def _count_no_longer(window: SlidingWindow, begins_at: datetime) -> Sequence[RawBSONDocument]:
    limit = RateLimit("", window)
    entries = _entries_of(limit)
    counter = f"counters.{counter_key(begins_at)}"
    return _encode(
        {field: {"$subtract": [f"${field}", 1]} for field in (counter, "total")},
        # An increment removes none, and its filter counts permits.
        {"counters": {"$arrayToObject": _filter(entries.stored, {"$gt": [entries.permits, 0]})}},
        # Counters that are too old to count make a time that is over.
        {"available_at": entries.available_at(limit, entries.stored)},
    )


def _encode(*stages: Expression) -> Sequence[RawBSONDocument]:
    """Return the stages of a pipeline that each set some fields."""
    return [RawBSONDocument(bson.encode({"$set": fields})) for fields in stages]


def _filter(entries: object, condition: Expression) -> Expression:
    return {"$filter": {"input": entries, "cond": condition}}
