"""Idempotency keys in SQLite."""

from dataclasses import dataclass
from datetime import datetime

from adapters.sqlite.record_table import RecordTable
from application.ports.versioned import Versioned
from domain.media.idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class SqliteIdempotencyKeys:
    """Idempotency keys by id."""

    table: RecordTable[IdempotencyKey]

    async def load(self, key_id: str) -> Versioned[IdempotencyKey] | None:
        """Load the key, or return None."""
        return await self.table.load(key_id)

    async def add(self, key: IdempotencyKey) -> bool:
        """Add the key at version 1, unless its id is taken."""
        return await self.table.add(key.id, key)

    async def replace(self, key: IdempotencyKey, version: int) -> bool:
        """Replace the key if it has this version."""
        return await self.table.replace(key.id, key, version)

    async def delete(self, key_id: str, version: int) -> bool:
        """Delete the key if it has this version."""
        return await self.table.delete(key_id, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired keys, and return their number."""
        return await self.table.delete_expired(now, limit)
