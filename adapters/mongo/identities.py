"""Identities in MongoDB, also deleted ones."""

from collections.abc import Awaitable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from beanie.odm.queries.find import FindMany

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.database import Database
from adapters.mongo.documents import IdentityDocument
from adapters.mongo.driver import DuplicateKey, MotorCollection
from adapters.mongo.identity_loader import IdentityLoader
from adapters.mongo.media_item_changes import MediaItemChanges
from adapters.mongo.record_mapping import RecordMapping
from application.ports.errors import StorageError, UniqueViolation
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.values import dataclass

_NAME_IN_USE: Final = "another identity has this username"


@dataclass(frozen=True, slots=True)
class MongoIdentities:
    """Identities; a unique index keeps usernames apart."""

    database: Database
    collection: MotorCollection
    loader: IdentityLoader
    item_changes: MediaItemChanges
    mapping: RecordMapping[Identity]

    def load(self, identity_id: str) -> Awaitable[Versioned[Identity] | None]:
        """Return the identity, deleted or not, or None."""
        return self.loader.load(identity_id)

    async def add(self, identity: Identity) -> bool:
        """Save a new identity; False when its id exists."""
        try:
            await self.database.run(
                lambda: self.collection.insert_one(self.mapping.encode(identity, 1))
            )
        except DuplicateKey as error:
            # MongoDB reports only one of two violated indexes, and an identity that is added again
            # has to find its id, not its own username.
            if "_id" in error.fields or await self._exists(identity.id):
                return False
            raise UniqueViolation(_NAME_IN_USE) from None
        await self._number_deletion(identity)
        return True

    async def replace(self, identity: Identity, version: int) -> bool:
        """Save the identity if the stored one has this version."""
        try:
            result = await self.database.run(
                lambda: self.collection.replace_one(
                    {"_id": identity.id, "version": int(version)},
                    self.mapping.encode_successor(identity, version),
                )
            )
        except DuplicateKey:
            raise UniqueViolation(_NAME_IN_USE) from None
        if result.matched_count != 1:
            return False
        await self._number_deletion(identity)
        return True

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Return the identity, deleted or not, that has this username."""
        document = await self.database.run(
            lambda: self.collection.find_one({"username_key": username.key})
        )
        return self.mapping.decode(document) if document else None

    async def _number_deletion(self, identity: Identity) -> None:
        # Pages of the library show no items of deleted identities. The deletion is done, also if
        # they are known for another second.
        if identity.is_deleted:
            with suppress(StorageError):
                await self.item_changes.add()

    async def _exists(self, identity_id: str) -> bool:
        found = await self.database.run(
            lambda: self.collection.find_one({"_id": identity_id}, {"_id": 1})
        )
        return found is not None


@dataclass(frozen=True, slots=True)
class MongoDeletedIdentities:
    """Deleted identities; each query is a range of an index."""

    database: Database
    loader: DocumentLoader
    mapping: RecordMapping[Identity]

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that belong to deleted identities."""
        return frozenset(await self.loader.load_many(identity_ids))

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that are deleted and not purged, the oldest first."""
        return await self._list(
            IdentityDocument.find(
                {"purged_at": {"$exists": False}, "deleted_at": {"$exists": True}}
            ),
            limit,
        )

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """Return up to `limit` identities that were deleted by then and have a username."""
        return await self._list(
            IdentityDocument.find(
                {"deleted_at": {"$lte": deleted}, "username_key": {"$exists": True}}
            ),
            limit,
        )

    async def _list(self, query: FindMany[Any], limit: int) -> Sequence[Versioned[Identity]]:
        documents = await self.database.list_raw(query.sort("deleted_at"), limit)
        return [self.mapping.decode(document) for document in documents]
