"""Calls in SQLite: by id, in pages, and those to be cleaned up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import CallMapping, to_microseconds, to_microseconds_or_none
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.values import dataclass
from domain.voice.call import Call

_LOAD: Final = "SELECT version, schema_version, body FROM calls WHERE id = ?"
_DELETE: Final = "DELETE FROM calls WHERE id = ? AND version = ?"

_ADD: Final = """
INSERT INTO calls (
    id, version, schema_version, started_at, identity_id, oldest_recording_at, body
)
VALUES (:id, 1, :schema_version, :started_at, :identity_id, :oldest_recording_at, :body)
ON CONFLICT (id) DO NOTHING
"""

_REPLACE: Final = """
UPDATE calls
SET version = version + 1, schema_version = max(schema_version, :schema_version),
    started_at = :started_at, identity_id = :identity_id,
    oldest_recording_at = :oldest_recording_at, body = :body
WHERE id = :id AND version = :version
"""

_LIST_STARTED: Final = """
SELECT version, schema_version, body FROM calls
WHERE started_at <= ? ORDER BY started_at, id LIMIT ?
"""

_LIST_OF_IDENTITY: Final = """
SELECT version, schema_version, body FROM calls WHERE identity_id = ? LIMIT ?
"""

_LIST_RECORDED: Final = """
SELECT version, schema_version, body FROM calls
WHERE oldest_recording_at <= ? ORDER BY oldest_recording_at LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SqliteCalls:
    """Calls by id."""

    database: Database
    mapping: CallMapping

    async def load(self, call_id: str) -> Versioned[Call] | None:
        """Load the call, or return None."""
        row = await self.database.fetch_one(_LOAD, (call_id,))
        return self.mapping.decode(*row) if row else None

    async def add(self, call: Call) -> bool:
        """Add the call at version 1, unless its id is taken."""
        return bool(await self.database.execute(_ADD, self._to_values(call, 0), is_quick=True))

    async def replace(self, call: Call, version: int) -> bool:
        """Replace the call if it has this version."""
        return bool(
            await self.database.execute(_REPLACE, self._to_values(call, version), is_quick=True)
        )

    def _to_values(self, call: Call, version: int) -> dict[str, object]:
        return {
            "id": call.id,
            "version": version,
            "schema_version": self.mapping.schema_version,
            "started_at": to_microseconds(call.started_at),
            "identity_id": call.identity_id,
            "oldest_recording_at": to_microseconds_or_none(call.oldest_recording_at),
            "body": self.mapping.encode(self.mapping.to_stored(call), version),
        }


@dataclass(frozen=True, slots=True)
class SqliteCallPages:
    """Calls, newest first. Those of an identity and those of everybody have an index each."""

    database: Database
    mapping: CallMapping

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
            values["after_started_at"] = to_microseconds(cursor.created_at)
            values["after_id"] = cursor.id
        sql = f"""
        SELECT version, schema_version, body FROM calls INDEXED BY {index}
        WHERE {" AND ".join(conditions)}
        ORDER BY started_at DESC, id DESC LIMIT :limit
        """  # noqa: S608 -- no value is in the text
        rows = await self.database.fetch_all(sql, values)
        return [self.mapping.decode(*row).value for row in rows]


@dataclass(frozen=True, slots=True)
class SqliteCallCleanup:
    """Calls to be cleaned up. Each query reads a range of an index."""

    database: Database
    mapping: CallMapping

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls that started by this time."""
        return await self._list(_LIST_STARTED, to_microseconds(before), limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """List calls of an identity."""
        return await self._list(_LIST_OF_IDENTITY, identity_id, limit)

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls whose oldest recording was made by this time."""
        return await self._list(_LIST_RECORDED, to_microseconds(before), limit)

    async def delete(self, call_id: str, version: int) -> bool:
        """Delete the call if it has this version."""
        return bool(await self.database.execute(_DELETE, (call_id, version)))

    async def _list(self, sql: str, *values: object) -> Sequence[Versioned[Call]]:
        return [self.mapping.decode(*row) for row in await self.database.fetch_all(sql, values)]
