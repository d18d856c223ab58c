import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.sqlite.body import micros
from adapters.sqlite.database import Database
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW

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

    async def acquire(self, reservation: Reservation) -> datetime | None:
        def write(connection: sqlite3.Connection) -> datetime | None:
            free_at = _free_at(connection, reservation)
            if free_at > reservation.acquired_at:
                return free_at
            at = micros(reservation.acquired_at)
            connection.executemany(
                _ADD,
                [
                    (
                        one.name,
                        at,
                        reservation.id,
                        micros(reservation.acquired_at + one.window.period),
                    )
                    for one in reservation.limits
                ],
            )
            return None

        return await self.database.written(write)

    async def release(self, reservation: Reservation) -> None:
        slots = [
            (one.name, micros(reservation.acquired_at), reservation.id)
            for one in reservation.limits
        ]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_REMOVE, slots)

        await self.database.written(write)

    async def next_available(self, reservation: Reservation) -> datetime:
        return await self.database.reader.run(lambda connection: _free_at(connection, reservation))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self.database.changed(_DROP, (micros(now), limit))


def _free_at(connection: sqlite3.Connection, draw: Reservation) -> datetime:
    return max(
        (_room_at(connection, one, draw.acquired_at) for one in draw.limits),
        default=draw.acquired_at,
    )


def _room_at(connection: sqlite3.Connection, budget: RateLimit, at: datetime) -> datetime:
    values = {
        "budget": budget.name,
        "after": micros(at - budget.window.period),
        "latest": micros(at + CLOCK_SKEW),
        "limit": budget.window.limit,
    }
    row = connection.execute(_IN_THE_WAY, values).fetchone()
    if row is None:
        return at
    ago = timedelta(microseconds=micros(at) - row[0])
    return at - ago + budget.window.period
