from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie.odm.queries.find import FindMany

from adapters.mongo.database import Database
from adapters.mongo.documents import IdentityDocument
from adapters.mongo.point_reads import PointReads
from adapters.mongo.stored_identity import StoredIdentities
from application.ports.versioned import Versioned
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class MongoTombstones:
    """Deleted identities, each question a range of an index of its own."""

    database: Database
    reads: PointReads
    stored: StoredIdentities

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        return frozenset(await self.reads.some(identity_ids))

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        return await self._found(
            IdentityDocument.find({"swept": False, "deleted": {"$exists": True}}), limit
        )

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        return await self._found(
            IdentityDocument.find(
                {"deleted": {"$lte": deleted}, "username_key": {"$exists": True}}
            ),
            limit,
        )

    async def _found(self, question: FindMany[Any], limit: int) -> Sequence[Versioned[Identity]]:
        documents = await self.database.found(question.sort("deleted"), limit)
        return [self.stored.versioned(document) for document in documents]
