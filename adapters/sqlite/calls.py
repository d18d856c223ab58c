"""Calls in SQLite: by id, in pages, and those to be cleaned up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call

_OF_IDENTITY: Final = "WHERE identity_id = ? LIMIT ?"


class SqliteCalls(RecordTable[Call]):
    """Calls. Each query reads a range of an index."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """List calls after a position, the newest first."""
        index = "calls_started_at" if identity_id is None else "calls_identity_id"
        conditions = ["TRUE"]
        values: list[object] = []
        if identity_id is not None:
            conditions.append("identity_id = ?")
            values.append(identity_id)
        if cursor is not None:
            conditions.append("(started_at, id) < (?, ?)")
            values += [to_column(cursor.created_at), cursor.id]
        newest_first = "ORDER BY started_at DESC, id DESC LIMIT ?"
        condition = f"INDEXED BY {index} WHERE {' AND '.join(conditions)} {newest_first}"
        return [loaded.value for loaded in await self.list(condition, [*values, limit])]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls that started by this time."""
        return await self.list_until("started_at", before, limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """List calls of an identity."""
        return await self.list(_OF_IDENTITY, (identity_id, limit))

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls whose oldest recording was made by this time."""
        return await self.list_until("oldest_recording_at", before, limit)

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls without an end whose last request was sent by this time."""
        return await self.list_until("unfinished_since", before, limit)
