"""Calls in MongoDB: by id, in pages, and those to be cleaned up."""

from collections.abc import Sequence
from datetime import datetime

from adapters.mongo.record_collection import RecordCollection, after
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call


class MongoCalls(RecordCollection[Call]):
    """Calls. Each query is a range of an index."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """Return calls, the newest first, after this position."""
        query = {} if identity_id is None else {"identity_id": identity_id}
        if cursor is not None:
            query |= after(cursor, "started_at")
        return [loaded.value for loaded in await self.list(query, limit, "-started_at", "-_id")]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls that started by then, the oldest first."""
        return await self.list_until("started_at", before, limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls of this identity."""
        return await self.list({"identity_id": identity_id}, limit)

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls whose oldest recording was made by then, that first."""
        return await self.list_until("oldest_recording_at", before, limit)

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """Return up to `limit` calls without an end and with no request since then, that first."""
        return await self.list_until("unfinished_since", before, limit)
