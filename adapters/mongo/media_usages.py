"""What users have in the library, in MongoDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.mongo.documents import MediaUsageDocument
from adapters.mongo.record_collection import RecordCollection
from application.ports.versioned import Versioned
from domain.media.usage import MediaUsage


@dataclass(frozen=True, slots=True)
class MongoMediaUsages:
    """Usages by the id of the user."""

    records: RecordCollection[MediaUsage]

    async def load(self, owner_id: str) -> Versioned[MediaUsage] | None:
        """Return the usage, or None."""
        return await self.records.load(owner_id)

    async def add(self, usage: MediaUsage) -> bool:
        """Add a new usage at version 1, unless its id is taken."""
        return await self.records.add(usage.id, usage)

    async def replace(self, usage: MediaUsage, version: int) -> bool:
        """Replace the usage if it has this version."""
        return await self.records.replace(usage.id, usage, version)

    async def delete(self, owner_id: str, version: int) -> bool:
        """Delete the usage if it has this version."""
        return await self.records.delete(owner_id, version)

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """Return up to `limit` usages that are due to be counted anew."""
        due = MediaUsageDocument.find({"recount_at": {"$lte": now}}).sort("recount_at")
        return await self.records.list(due, limit)
