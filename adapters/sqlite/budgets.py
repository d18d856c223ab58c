import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.sqlite.body import micros
from adapters.sqlite.database import Database
from domain.sign_in.budgets import Budget, Draw
from domain.sign_in.window import CLOCK_SKEW

# The slot that has to lapse for another one to fit in; there is none while there is room.
_IN_THE_WAY: Final = """
SELECT at FROM budget_slots WHERE budget = :budget AND at > :after AND at <= :latest
ORDER BY at DESC LIMIT 1 OFFSET :limit - 1
"""

_ADD: Final = "INSERT OR IGNORE INTO budget_slots (budget, at, id, until) VALUES (?, ?, ?, ?)"

_REMOVE: Final = "DELETE FROM budget_slots WHERE budget = ? AND at = ? AND id = ?"

_DROP: Final = """
DELETE FROM budget_slots WHERE (budget, at, id) IN (
    SELECT budget, at, id FROM budget_slots WHERE until <= ? ORDER BY until LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class SqliteBudgets:
    """A row for each slot; the one writer looks and takes in one go, so nothing gets between."""

    database: Database

    async def take(self, draw: Draw) -> datetime | None:
        def write(connection: sqlite3.Connection) -> datetime | None:
            free_at = _free_at(connection, draw)
            if free_at > draw.at:
                return free_at
            at = micros(draw.at)
            connection.executemany(
                _ADD,
                [
                    (one.name, at, draw.id, micros(draw.at + one.window.length))
                    for one in draw.budgets
                ],
            )
            return None

        return await self.database.written(write)

    async def give_back(self, draw: Draw) -> None:
        slots = [(one.name, micros(draw.at), draw.id) for one in draw.budgets]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_REMOVE, slots)

        await self.database.written(write)

    async def free_at(self, draw: Draw) -> datetime:
        return await self.database.reader.run(lambda connection: _free_at(connection, draw))

    async def drop_lapsed(self, now: datetime, limit: int) -> int:
        return await self.database.changed(_DROP, (micros(now), limit))


def _free_at(connection: sqlite3.Connection, draw: Draw) -> datetime:
    return max((_room_at(connection, one, draw.at) for one in draw.budgets), default=draw.at)


def _room_at(connection: sqlite3.Connection, budget: Budget, at: datetime) -> datetime:
    values = {
        "budget": budget.name,
        "after": micros(at - budget.window.length),
        "latest": micros(at + CLOCK_SKEW),
        "limit": budget.window.limit,
    }
    row = connection.execute(_IN_THE_WAY, values).fetchone()
    if row is None:
        return at
    ago = timedelta(microseconds=micros(at) - row[0])
    return at - ago + budget.window.length
