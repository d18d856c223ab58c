"""Idempotency keys in MongoDB."""

from dataclasses import dataclass
from datetime import datetime

from adapters.mongo.documents import IdempotencyKeyDocument
from adapters.mongo.record_collection import RecordCollection
from application.ports.versioned import Versioned
from domain.media.idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class MongoIdempotencyKeys:
    """Idempotency keys by id."""

    records: RecordCollection[IdempotencyKey]

    async def load(self, key_id: str) -> Versioned[IdempotencyKey] | None:
        """Return the key, or None."""
        return await self.records.load(key_id)

    async def add(self, key: IdempotencyKey) -> bool:
        """Add a new key at version 1, unless its id is taken."""
        return await self.records.add(key.id, key)

    async def replace(self, key: IdempotencyKey, version: int) -> bool:
        """Replace the key if it has this version."""
        return await self.records.replace(key.id, key, version)

    async def delete(self, key_id: str, version: int) -> bool:
        """Delete the key if it has this version."""
        return await self.records.delete(key_id, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired keys."""
        return await self.records.database.delete_expired(IdempotencyKeyDocument, now, limit)
