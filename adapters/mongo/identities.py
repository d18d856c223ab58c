"""Identities in MongoDB, also deleted ones."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from adapters.mongo.database import Database
from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.documents import IdentityDocument
from adapters.mongo.record_collection import RecordCollection
from adapters.records.mapping import RecordMapping
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username

_EXISTS: Final = {"$exists": True}


class MongoIdentities(RecordCollection[Identity]):
    """Identities. A unique index keeps usernames apart; each query is a range of an index."""

    def __init__(self, database: Database, mapping: RecordMapping[Identity, Any]) -> None:
        """Set the mapping, which encrypts phones."""
        super().__init__(database, IdentityDocument, mapping)
        deleted = {"deleted_at": _EXISTS}
        self._deleted = DocumentLoader(
            database, self.collection, filters=deleted, projection={"_id": 1}
        )

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Return the identity, deleted or not, that has this username."""
        query = {"username_key": username.key}
        document = await self.database.run(lambda: self.collection.find_one(query))
        return self.read(document) if document else None

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that belong to deleted identities."""
        return frozenset(await self._deleted.load_many(identity_ids))

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that have expired, the earliest first."""
        return await self.list_until("expires_at", now, limit)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that are deleted and not purged, the oldest first."""
        query = {"purged_at": {"$exists": False}, "deleted_at": _EXISTS}
        return await self.list(query, limit, "deleted_at")

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that were deleted by then and have a username."""
        return await self.list_until("deleted_at", deleted, limit, username_key=_EXISTS)
