"""Calls in SQLite: by id, in pages, and those to be cleaned up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call

_STARTED: Final = "WHERE started_at <= ? ORDER BY started_at, id LIMIT ?"
_OF_IDENTITY: Final = "WHERE identity_id = ? LIMIT ?"
_UNFINISHED: Final = "WHERE unfinished_since <= ? ORDER BY unfinished_since LIMIT ?"
_RECORDED: Final = "WHERE oldest_recording_at <= ? ORDER BY oldest_recording_at LIMIT ?"


@dataclass(frozen=True, slots=True)
class SqliteCalls:
    """Calls by id."""

    table: RecordTable[Call]

    async def load(self, call_id: str) -> Versioned[Call] | None:
        """Load the call, or return None."""
        return await self.table.load(call_id)

    async def add(self, call: Call) -> bool:
        """Add the call at version 1, unless its id is taken."""
        return await self.table.add(call.id, call)

    async def replace(self, call: Call, version: int) -> bool:
        """Replace the call if it has this version."""
        return await self.table.replace(call.id, call, version)


@dataclass(frozen=True, slots=True)
class SqliteCallPages:
    """Calls, newest first. Those of an identity and those of everybody have an index each."""

    table: RecordTable[Call]

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """List calls after a position."""
        index = "calls_started_at" if identity_id is None else "calls_identity_id"
        conditions = ["TRUE"]
        values: dict[str, object] = {"limit": limit}
        if identity_id is not None:
            conditions.append("identity_id = :identity_id")
            values["identity_id"] = identity_id
        if cursor is not None:
            conditions.append("(started_at, id) < (:after_started_at, :after_id)")
            values["after_started_at"] = to_column(cursor.created_at)
            values["after_id"] = cursor.id
        newest_first = "ORDER BY started_at DESC, id DESC LIMIT :limit"
        condition = f"INDEXED BY {index} WHERE {' AND '.join(conditions)} {newest_first}"
        return [loaded.value for loaded in await self.table.list(condition, values)]


@dataclass(frozen=True, slots=True)
class SqliteCallCleanup:
    """Calls to be cleaned up. Each query reads a range of an index."""

    table: RecordTable[Call]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls that started by this time."""
        return await self.table.list(_STARTED, (to_column(before), limit))

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """List calls of an identity."""
        return await self.table.list(_OF_IDENTITY, (identity_id, limit))

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls whose oldest recording was made by this time."""
        return await self.table.list(_RECORDED, (to_column(before), limit))

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls without an end whose last request was sent by this time."""
        return await self.table.list(_UNFINISHED, (to_column(before), limit))

    async def delete(self, call_id: str, version: int) -> bool:
        """Delete the call if it has this version."""
        return await self.table.delete(call_id, version)
