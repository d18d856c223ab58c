from dataclasses import dataclass
from typing import Any

from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection
from adapters.mongo.errors import NotUnique
from adapters.mongo.point_reads import PointReads
from adapters.mongo.stored_identity import IDENTITY, StoredIdentities
from application.ports.errors import UniqueViolation
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username


@dataclass(frozen=True, slots=True)
class MongoIdentities:
    """Identities, whose names a unique index keeps apart."""

    database: Database
    collection: MotorCollection
    reads: PointReads
    stored: StoredIdentities

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        document = await self.reads.one(identity_id)
        return self.stored.versioned(document) if document else None

    async def add(self, identity: Identity) -> bool:
        document = self.stored.document(identity, 1)
        try:
            await self.database.answer(self.collection.insert_one(document))
        except NotUnique as clash:
            # Which of two clashes is named is not promised, and the same identity added again
            # must find its id taken, not its own name.
            if "_id" in clash.fields or await self._is_there({"_id": identity.id}):
                return False
            raise _taken() from None
        return True

    async def replace(self, identity: Identity, version: int) -> bool:
        document = self.stored.document(identity, version + 1)
        try:
            replaced = await self.database.answer(
                self.collection.replace_one({"_id": identity.id, "version": version}, document)
            )
        except NotUnique:
            raise _taken() from None
        return replaced.matched_count == 1

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        document = await self.database.answer(
            self.collection.find_one({"username_key": username.key}, IDENTITY.projection)
        )
        return self.stored.versioned(document) if document else None

    async def _is_there(self, wanted: dict[str, Any]) -> bool:
        return await self.database.answer(self.collection.find_one(wanted, {"_id": 1})) is not None


def _taken() -> UniqueViolation:
    return UniqueViolation("another identity has this name")
