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
from application.ports.errors import StoreUnavailable
from domain.sign_in.budgets import Budget, Draw

ROUNDS: Final = 100
"""After so many lost races something is wrong."""


@dataclass(frozen=True, slots=True)
class MongoBudgets:
    """Rings of slots (`adapters.mongo.budget_rings`): one bulk for a draw that meets no refusal."""

    database: Database
    collection: MotorCollection

    async def take(self, draw: Draw) -> datetime | None:
        missing = draw.budgets
        chosen = [_any_of(rings_of(one)) for one in missing]
        for _ in range(ROUNDS):
            taken = await self._written([ring.taking(draw) for ring in chosen])
            missing, chosen = missing[taken:], chosen[taken:]
            if not missing:
                return None
            # Refused: it is full, or was made by somebody else between the look and the insert.
            views = [await self._view(one, draw) for one in missing]
            if stale := [ring for view in views for ring in view.with_later_slots]:
                await self._written([ring.forgetting_later_than(draw.at) for ring in stale])
                continue
            free_at = max(view.free_at for view in views)
            if free_at > draw.at:
                await self._free(draw, draw.budgets[: -len(missing)])
                return free_at
            chosen = [_any_of(view.with_room) for view in views]
        raise StoreUnavailable("too many draws at one budget")

    async def give_back(self, draw: Draw) -> None:
        await self._free(draw, draw.budgets)

    async def free_at(self, draw: Draw) -> datetime:
        views = [await self._view(one, draw) for one in draw.budgets]
        return max((view.free_at for view in views), default=draw.at)

    async def drop_lapsed(self, now: datetime, limit: int) -> int:
        return await drop_lapsed(self.database, BudgetDocument, now, limit)

    async def _written(self, writes: Sequence[UpdateOne]) -> int:
        """Write in order; say how many were done before one was refused."""
        try:
            await self.database.answer(self.collection.bulk_write(writes))
        except BulkStopped as stopped:
            return stopped.done
        return len(writes)

    async def _view(self, budget: Budget, draw: Draw) -> View:
        ids = [ring.id for ring in rings_of(budget)]
        found = self.collection.find({"_id": {"$in": ids}}, projection_of(budget))
        documents = await self.database.answer(found.to_list(None))
        return viewed(budget, {one["_id"]: one for one in documents}, draw.at)

    async def _free(self, draw: Draw, budgets: Sequence[Budget]) -> None:
        ids = [ring.id for one in budgets for ring in rings_of(one)]
        await self.database.answer(
            self.collection.update_many(
                {"_id": {"$in": ids}, "slots.id": draw.id}, {"$pull": {"slots": {"id": draw.id}}}
            )
        )


def _any_of(rings: Sequence[Ring]) -> Ring:
    return random.choice(rings)  # noqa: S311 - it spreads them; nothing hangs on whether it is guessed
