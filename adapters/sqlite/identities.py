"""Identities in SQLite, and the deleted ones among them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.errors import DuplicateKey
from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.errors import UniqueViolation
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username

_NAME_IN_USE: Final = "another identity has this username"

_FIND_DELETED: Final = "SELECT id FROM identities WHERE id = ? AND deleted_at IS NOT NULL"

_NOT_PURGED: Final = """
WHERE deleted_at IS NOT NULL AND purged_at IS NULL ORDER BY deleted_at LIMIT ?
"""

_EXPIRED: Final = "WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"

_WITH_USERNAME: Final = """
WHERE deleted_at <= ? AND username_key IS NOT NULL ORDER BY deleted_at LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SqliteIdentities:
    """Identities. A unique index keeps their usernames apart."""

    table: RecordTable[Identity]

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        """Load the identity, deleted or not, or return None."""
        return await self.table.load(identity_id)

    async def add(self, identity: Identity) -> bool:
        """Add the identity at version 1, unless its id is taken."""
        try:
            return await self.table.add(identity.id, identity)
        except DuplicateKey:
            raise UniqueViolation(_NAME_IN_USE) from None

    async def replace(self, identity: Identity, version: int) -> bool:
        """Replace the identity if it has this version."""
        try:
            return await self.table.replace(identity.id, identity, version)
        except DuplicateKey:
            raise UniqueViolation(_NAME_IN_USE) from None

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Find the identity with this username, deleted or not."""
        return await self.table.find("username_key", username.key)


@dataclass(frozen=True, slots=True)
class SqliteDeletedIdentities:
    """Deleted identities. Each query reads a range of an index of its own."""

    database: Database
    table: RecordTable[Identity]

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids whose identity is deleted."""
        found = [await self.database.read_row(_FIND_DELETED, (one,)) for one in identity_ids]
        return frozenset(identity_id for (identity_id,) in filter(None, found))

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        """List identities that have expired, the earliest first."""
        return await self.table.list(_EXPIRED, (to_column(now), limit))

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List deleted identities that are not purged, the oldest deletion first."""
        return await self.table.list(_NOT_PURGED, (limit,))

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """List identities that were deleted by this time and still have a username."""
        return await self.table.list(_WITH_USERNAME, (to_column(deleted), limit))
