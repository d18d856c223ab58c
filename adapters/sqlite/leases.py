"""Leases in SQLite."""

from datetime import datetime
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import to_microseconds
from domain.otp.sliding_window import CLOCK_SKEW
from domain.values import dataclass

_ACQUIRE: Final = """
INSERT INTO leases (name, expires_at) VALUES (:name, :expires_at)
ON CONFLICT (name) DO UPDATE SET expires_at = :expires_at
WHERE expires_at <= :now OR expires_at > :latest
"""


@dataclass(frozen=True, slots=True)
class SqliteLeases:
    """A row for each lease. One conditional statement acquires it."""

    database: Database

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        """Acquire the lease, if it is not held."""
        values = {
            "name": name,
            "now": to_microseconds(now),
            "expires_at": to_microseconds(expires_at),
            "latest": to_microseconds(expires_at + CLOCK_SKEW),
        }
        return bool(await self.database.execute(_ACQUIRE, values))
