import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from adapters.mongo.budget_rings import Ring, View, projection_of, rings_of, viewed
from adapters.mongo.database import Database
from adapters.mongo.documents import BudgetDocument
from adapters.mongo.driver import MotorCollection
from adapters.mongo.errors import BulkStopped
from adapters.mongo.lapsing import drop_lapsed
from application.ports.errors import StorageUnavailable
from domain.otp.rate_limits import RateLimit, Reservation

MAX_RETRIES: Final = 100
"""After so many lost races something is wrong."""


@dataclass(frozen=True, slots=True)
class MongoBudgets:
    """Rings of slots (`adapters.mongo.budget_rings`): one bulk for a draw that meets no refusal."""

    database: Database
    collection: MotorCollection

    async def acquire(self, reservation: Reservation) -> datetime | None:
        missing = reservation.limits
        chosen = [_any_of(rings_of(one)) for one in missing]
        for _ in range(MAX_RETRIES):
            taken = await self._written([ring.taking(reservation) for ring in chosen])
            missing, chosen = missing[taken:], chosen[taken:]
            if not missing:
                return None
            # Refused: it is full, or was made by somebody else between the look and the insert.
            views = [await self._view(one, reservation) for one in missing]
            if stale := [ring for view in views for ring in view.with_later_slots]:
                await self._written(
                    [ring.forgetting_later_than(reservation.acquired_at) for ring in stale]
                )
                continue
            free_at = max(view.free_at for view in views)
            if free_at > reservation.acquired_at:
                await self._free(reservation, reservation.limits[: -len(missing)])
                return free_at
            chosen = [_any_of(view.with_room) for view in views]
        raise StorageUnavailable("too many draws at one budget")

    async def release(self, reservation: Reservation) -> None:
        await self._free(reservation, reservation.limits)

    async def next_available(self, reservation: Reservation) -> datetime:
        views = [await self._view(one, reservation) for one in reservation.limits]
        return max((view.free_at for view in views), default=reservation.acquired_at)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await drop_lapsed(self.database, BudgetDocument, now, limit)

    async def _written(self, writes: Sequence[UpdateOne]) -> int:
        """Write in order; say how many were done before one was refused."""
        try:
            await self.database.answer(self.collection.bulk_write(writes))
        except BulkStopped as stopped:
            return stopped.done
        return len(writes)

    async def _view(self, budget: RateLimit, draw: Reservation) -> View:
        ids = [ring.id for ring in rings_of(budget)]
        found = self.collection.find({"_id": {"$in": ids}}, projection_of(budget))
        documents = await self.database.answer(found.to_list(None))
        return viewed(budget, {one["_id"]: one for one in documents}, draw.acquired_at)

    async def _free(self, draw: Reservation, rate_limiter: Sequence[RateLimit]) -> None:
        ids = [ring.id for one in rate_limiter for ring in rings_of(one)]
        await self.database.answer(
            self.collection.update_many(
                {"_id": {"$in": ids}, "slots.id": draw.id}, {"$pull": {"slots": {"id": draw.id}}}
            )
        )


def _any_of(rings: Sequence[Ring]) -> Ring:
    return random.choice(rings)  # noqa: S311 - it spreads them; nothing hangs on whether it is guessed
