"""Leases in SQLite."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.record_table import to_column
from domain.otp.sliding_window import CLOCK_SKEW

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
            "now": to_column(now),
            "expires_at": to_column(expires_at),
            "latest": to_column(expires_at + CLOCK_SKEW),
        }
        return bool(await self.database.execute(_ACQUIRE, values))
