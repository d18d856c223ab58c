"""Identities in SQLite, also deleted ones."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username

_FIND_DELETED: Final = """
SELECT json_group_array(id) FROM identities
WHERE id IN (SELECT value FROM json_each(?)) AND deleted_at IS NOT NULL
"""

_NOT_PURGED: Final = """
WHERE deleted_at IS NOT NULL AND purged_at IS NULL ORDER BY deleted_at LIMIT ?
"""

_WITH_USERNAME: Final = """
WHERE deleted_at <= ? AND username_key IS NOT NULL ORDER BY deleted_at LIMIT ?
"""


class SqliteIdentities(RecordTable[Identity]):
    """Identities. A unique index keeps usernames apart; each query reads a range of an index."""

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Find the identity with this username, deleted or not."""
        found = await self.list("WHERE username_key = ?", (username.key,))
        return found[0] if found else None

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids whose identity is deleted."""
        values = (msgspec.json.encode(list(identity_ids)).decode(),)
        row = await self.database.read_row(_FIND_DELETED, values)
        return frozenset(msgspec.json.decode(row[0], type=list[str]) if row else ())

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        """List identities that have expired, the earliest first."""
        return await self.list_until("expires_at", now, limit)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List deleted identities that are not purged, the oldest deletion first."""
        return await self.list(_NOT_PURGED, (limit,))

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """List identities that were deleted by this time and still have a username."""
        return await self.list(_WITH_USERNAME, (to_column(deleted), limit))
