"""Identities in MongoDB, also deleted ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.documents import IdentityDocument
from adapters.mongo.driver import DuplicateKey
from adapters.mongo.record_collection import RecordCollection
from application.ports.errors import UniqueViolation
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username

_NAME_IN_USE: Final = "another identity has this username"


@dataclass(frozen=True, slots=True)
class MongoIdentities:
    """Identities; a unique index keeps usernames apart."""

    records: RecordCollection[Identity]

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        """Return the identity, deleted or not, or None."""
        return await self.records.load(identity_id)

    async def add(self, identity: Identity) -> bool:
        """Add a new identity at version 1, unless its id is taken."""
        try:
            return await self.records.add(identity.id, identity)
        except DuplicateKey:
            raise UniqueViolation(_NAME_IN_USE) from None

    async def replace(self, identity: Identity, version: int) -> bool:
        """Replace the identity if it has this version."""
        try:
            return await self.records.replace(identity.id, identity, version)
        except DuplicateKey:
            raise UniqueViolation(_NAME_IN_USE) from None

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Return the identity, deleted or not, that has this username."""
        return await self.records.find("username_key", username.key)


@dataclass(frozen=True, slots=True)
class MongoDeletedIdentities:
    """Deleted identities; each query is a range of an index."""

    records: RecordCollection[Identity]
    loader: DocumentLoader

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that belong to deleted identities."""
        return frozenset(await self.loader.load_many(identity_ids))

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that have expired, the earliest first."""
        query = IdentityDocument.find({"expires_at": {"$lte": now}})
        return await self.records.list(query.sort("expires_at"), limit)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that are deleted and not purged, the oldest first."""
        query = IdentityDocument.find(
            {"purged_at": {"$exists": False}, "deleted_at": {"$exists": True}}
        )
        return await self.records.list(query.sort("deleted_at"), limit)

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that were deleted by then and have a username."""
        query = IdentityDocument.find(
            {"deleted_at": {"$lte": deleted}, "username_key": {"$exists": True}}
        )
        return await self.records.list(query.sort("deleted_at"), limit)
