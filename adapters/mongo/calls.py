"""Calls in MongoDB: single calls, pages, and those that need a cleanup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.mongo.documents import CallDocument
from adapters.mongo.record_collection import RecordCollection
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call


@dataclass(frozen=True, slots=True)
class MongoCalls:
    """Calls by id."""

    records: RecordCollection[Call]

    async def load(self, call_id: str) -> Versioned[Call] | None:
        """Return the call, or None."""
        return await self.records.load(call_id)

    async def add(self, call: Call) -> bool:
        """Add a new call at version 1, unless its id is taken."""
        return await self.records.add(call.id, call)

    async def replace(self, call: Call, version: int) -> bool:
        """Replace the call if it has this version."""
        return await self.records.replace(call.id, call, version)


@dataclass(frozen=True, slots=True)
class MongoCallPages:
    """Calls, newest first. Those of an identity and those of everybody have an index each."""

    records: RecordCollection[Call]

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """Return calls, the newest first, after this position."""
        owner = {} if identity_id is None else {"identity_id": identity_id}
        query = CallDocument.find({**owner, **_after(cursor)})
        listed = await self.records.list(query.sort("-started_at", "-_id"), limit)
        return [loaded.value for loaded in listed]


@dataclass(frozen=True, slots=True)
class MongoCallCleanup:
    """Calls for the cleanup; each query is a range of an index."""

    records: RecordCollection[Call]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls that started by then, the oldest first."""
        query = CallDocument.find({"started_at": {"$lte": before}})
        return await self.records.list(query.sort("started_at", "_id"), limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls of this identity."""
        return await self.records.list(CallDocument.find({"identity_id": identity_id}), limit)

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls whose oldest recording was made by then, that first."""
        query = CallDocument.find({"oldest_recording_at": {"$lte": before}})
        return await self.records.list(query.sort("oldest_recording_at"), limit)

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls without an end and with no request since then, that first."""
        query = CallDocument.find({"unfinished_since": {"$lte": before}})
        return await self.records.list(query.sort("unfinished_since"), limit)

    async def delete(self, call_id: str, version: int) -> bool:
        """Delete the call if it has this version."""
        return await self.records.delete(call_id, version)


def _after(cursor: Cursor | None) -> Mapping[str, Any]:
    if cursor is None:
        return {}
    # The first bound is where the scan of the index begins; the second excludes those of the same
    # moment that come before. The second alone would need two scans.
    return {
        "started_at": {"$lte": cursor.created_at},
        "$or": [{"started_at": {"$lt": cursor.created_at}}, {"_id": {"$lt": cursor.id}}],
    }
