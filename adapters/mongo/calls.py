"""Calls in MongoDB: single calls, pages, and those that need a cleanup."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from beanie.odm.queries.find import FindMany

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.database import Database
from adapters.mongo.documents import CallDocument
from adapters.mongo.driver import DuplicateKey, MotorCollection
from adapters.mongo.record_mapping import RecordMapping
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.values import dataclass
from domain.voice.call import Call


@dataclass(frozen=True, slots=True)
class MongoCalls:
    """Calls by id."""

    database: Database
    collection: MotorCollection
    loader: DocumentLoader
    mapping: RecordMapping[Call]

    async def load(self, call_id: str) -> Versioned[Call] | None:
        """Return the call, or None."""
        document = await self.loader.load(call_id)
        return self.mapping.decode(document) if document else None

    async def add(self, call: Call) -> bool:
        """Save a new call; False when its id exists."""
        try:
            await self.database.run(
                lambda: self.collection.insert_one(self.mapping.encode(call, 1))
            )
        except DuplicateKey:
            return False
        return True

    async def replace(self, call: Call, version: int) -> bool:
        """Save the call if the stored one has this version."""
        result = await self.database.run(
            lambda: self.collection.replace_one(
                {"_id": call.id, "version": int(version)},
                self.mapping.encode_successor(call, version),
            )
        )
        return result.matched_count == 1


@dataclass(frozen=True, slots=True)
class MongoCallPages:
    """Calls, newest first. Those of an identity and those of everybody have an index each."""

    database: Database
    mapping: RecordMapping[Call]

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """Return calls, the newest first, after this position."""
        owner = {} if identity_id is None else {"identity_id": identity_id}
        query = CallDocument.find({**owner, **_after(cursor)})
        documents = await self.database.list_raw(query.sort("-started_at", "-_id"), limit)
        return [self.mapping.decode(document).value for document in documents]


@dataclass(frozen=True, slots=True)
class MongoCallCleanup:
    """Calls for the cleanup; each query is a range of an index."""

    database: Database
    collection: MotorCollection
    mapping: RecordMapping[Call]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls that started by then, the oldest first."""
        query = CallDocument.find({"started_at": {"$lte": before}})
        return await self._list(query.sort("started_at", "_id"), limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls of this identity."""
        return await self._list(CallDocument.find({"identity_id": identity_id}), limit)

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls whose oldest recording was made by then, that first."""
        query = CallDocument.find({"oldest_recording_at": {"$lte": before}})
        return await self._list(query.sort("oldest_recording_at"), limit)

    async def delete(self, call_id: str, version: int) -> bool:
        """Delete the call if the stored one has this version."""
        result = await self.database.run(
            lambda: self.collection.delete_one({"_id": call_id, "version": int(version)})
        )
        return result.deleted_count == 1

    async def _list(self, query: FindMany[Any], limit: int) -> Sequence[Versioned[Call]]:
        documents = await self.database.list_raw(query, limit)
        return [self.mapping.decode(document) for document in documents]


def _after(cursor: Cursor | None) -> Mapping[str, Any]:
    if cursor is None:
        return {}
    # The first bound is where the scan of the index begins; the second excludes those of the same
    # moment that come before. The second alone would need two scans.
    return {
        "started_at": {"$lte": cursor.created_at},
        "$or": [{"started_at": {"$lt": cursor.created_at}}, {"_id": {"$lt": cursor.id}}],
    }
