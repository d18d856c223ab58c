"""Budgets as rings of the newest slots, filled by conditional upserts.

A ring holds as many slots as its share of the budget, the newest first, so its last one is what
has to lapse before another fits in. Where that is not over the filter finds nothing, the upsert
tries to insert, and the `_id` that is taken refuses it: MongoDB looks and takes in one go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne

from adapters.mongo.driver import Raw
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

MOST_SLOTS: Final = 100
"""Of one ring: a budget of more is spread over several, so that none is hot, or large."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One document of a budget, and how many slots it holds."""

    id: str
    limit: int
    length: timedelta

    def taking(self, draw: Reservation) -> UpdateOne:
        """Put the draw's slot in, if there is room for it."""
        slot = {"at": draw.acquired_at, "id": draw.id}
        last = f"slots.{self.limit - 1}.at"
        return UpdateOne(
            {"_id": self.id, last: {"$not": {"$gt": draw.acquired_at - self.length}}},
            {
                "$push": {"slots": {"$each": [slot], "$sort": {"at": -1}, "$slice": self.limit}},
                "$max": {"lapses": draw.acquired_at + self.length},
            },
            upsert=True,
        )

    def forgetting_later_than(self, at: datetime) -> UpdateOne:
        """Take out what a clock put in that stepped back since."""
        later = {"at": {"$gt": at + CLOCK_SKEW}}
        return UpdateOne({"_id": self.id}, {"$pull": {"slots": later}})


@dataclass(frozen=True, slots=True)
class View:
    """A budget's rings as a draw finds them: those with room, those with slots of the future.

    `free_at` is when one of them has room: the draw's own time, or later.
    """

    with_room: Sequence[Ring]
    with_later_slots: Sequence[Ring]
    free_at: datetime


def rings_of(budget: RateLimit) -> list[Ring]:
    """Share the budget's slots out among as few rings as it needs."""
    limit, length = budget.window.limit, budget.window.period
    count = -(-limit // MOST_SLOTS)
    return [
        Ring(f"{budget.name} #{number}", limit // count + (number < limit % count), length)
        for number in range(count)
    ]


def projection_of(budget: RateLimit) -> Mapping[str, Any]:
    """What has to be read of the budget's rings: their newest slot, and their last two."""
    times = "$slots.at"
    return {"newest": {"$first": times}, "last": {"$slice": [times, _least(budget) - 1, 2]}}


def viewed(budget: RateLimit, documents: Mapping[str, Raw], at: datetime) -> View:
    """What the documents say of the budget's rings; one that is missing is empty."""
    rings = rings_of(budget)
    newest = {ring.id: documents.get(ring.id, {}).get("newest") for ring in rings}
    free_at = {ring.id: at for ring in rings}
    for ring in rings:
        place = ring.limit - _least(budget)
        for last in documents.get(ring.id, {}).get("last", [])[place : place + 1]:
            free_at[ring.id] = max(at, last + ring.length)
    return View(
        with_room=[ring for ring in rings if free_at[ring.id] == at],
        with_later_slots=[ring for ring in rings if (newest[ring.id] or at) > at + CLOCK_SKEW],
        free_at=min(free_at.values()),
    )


def _least(budget: RateLimit) -> int:
    """How many slots each ring has; some have one more."""
    return min(ring.limit for ring in rings_of(budget))
