"""Identities in SQLite, and the deleted ones among them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from adapters.sqlite.database import Database
from adapters.sqlite.errors import DuplicateKey
from adapters.sqlite.identity_cache import IdentityCache
from adapters.sqlite.mapping import IdentityMapping, to_microseconds, to_microseconds_or_none
from adapters.sqlite.row_loader import RowLoader
from application.ports.errors import UniqueViolation
from application.ports.versioned import Versioned, encrypted_phone_of
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.values import dataclass

_FIND_BY_USERNAME: Final = (
    "SELECT version, schema_version, body FROM identities WHERE username_key = ?"
)

# Not ON CONFLICT (id): SQLite does not promise which of two conflicts it reports, and an identity
# that is added again must get a conflict of its id, not of its own username.
_ADD: Final = """
INSERT INTO identities (id, version, schema_version, username_key, deleted_at, purged_at, body)
SELECT :id, 1, :schema_version, :username_key, :deleted_at, :purged_at, :body
WHERE NOT EXISTS (SELECT 1 FROM identities WHERE id = :id)
"""

_REPLACE: Final = """
UPDATE identities
SET version = version + 1, schema_version = max(schema_version, :schema_version),
    username_key = :username_key, deleted_at = :deleted_at, purged_at = :purged_at, body = :body
WHERE id = :id AND version = :version
"""

_FIND_DELETED: Final = """
SELECT id FROM identities
WHERE deleted_at IS NOT NULL AND id IN (SELECT value FROM json_each(?))
"""

_LIST_NOT_PURGED: Final = """
SELECT version, schema_version, body FROM identities
WHERE deleted_at IS NOT NULL AND purged_at IS NULL ORDER BY deleted_at LIMIT ?
"""

_LIST_WITH_USERNAME: Final = """
SELECT version, schema_version, body FROM identities
WHERE deleted_at <= ? AND username_key IS NOT NULL ORDER BY deleted_at LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SqliteIdentities:
    """Identities. A unique index keeps their usernames apart."""

    database: Database
    loader: RowLoader
    cache: IdentityCache
    mapping: IdentityMapping

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        """Load the identity, deleted or not, or return None."""
        cached = self.cache.find(identity_id)
        if cached:
            return cached
        as_of = self.cache.change_number
        row = await self.loader.load(identity_id)
        if row is None:
            return None
        identity = self.mapping.decode(*row)
        self.cache.add(identity, as_of)
        return identity

    async def add(self, identity: Identity) -> bool:
        """Add the identity at version 1, unless its id is taken."""
        return await self._execute(_ADD, identity, 0)

    async def replace(self, identity: Identity, version: int) -> bool:
        """Replace the identity if it has this version."""
        return await self._execute(_REPLACE, identity, version)

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Find the identity with this username, deleted or not."""
        row = await self.database.fetch_one(_FIND_BY_USERNAME, (username.key,))
        return self.mapping.decode(*row) if row else None

    async def _execute(self, sql: str, identity: Identity, version: int) -> bool:
        stored = self.mapping.to_stored(identity, encrypted_phone_of(version))
        values = {
            "id": identity.id,
            "version": version,
            "schema_version": self.mapping.schema_version,
            "username_key": identity.username_key,
            "deleted_at": to_microseconds_or_none(stored.deleted_at),
            "purged_at": to_microseconds_or_none(stored.purged_at),
            "body": self.mapping.encode(stored, version),
        }
        try:
            return bool(await self.database.execute(sql, values, is_quick=True))
        except DuplicateKey:
            raise UniqueViolation("another identity has this username") from None


@dataclass(frozen=True, slots=True)
class SqliteDeletedIdentities:
    """Deleted identities. Each query reads a range of an index of its own."""

    database: Database
    mapping: IdentityMapping

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids whose identity is deleted."""
        json_ids = msgspec.json.encode(list(identity_ids)).decode()
        rows = await self.database.fetch_all(_FIND_DELETED, (json_ids,))
        return frozenset(identity_id for (identity_id,) in rows)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List deleted identities that are not purged, the oldest deletion first."""
        rows = await self.database.fetch_all(_LIST_NOT_PURGED, (limit,))
        return [self.mapping.decode(*row) for row in rows]

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """List identities that were deleted by this time and still have a username."""
        values = (to_microseconds(deleted), limit)
        rows = await self.database.fetch_all(_LIST_WITH_USERNAME, values)
        return [self.mapping.decode(*row) for row in rows]
