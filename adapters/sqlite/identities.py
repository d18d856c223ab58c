from dataclasses import dataclass
from typing import Final

from adapters.sqlite.database import Database, Row
from adapters.sqlite.errors import NotUnique
from adapters.sqlite.identity_row import IdentityRows
from application.ports.errors import UniqueViolation
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username

_LOAD: Final = "SELECT version, phone, body FROM identities WHERE id = ?"
_HOLDER: Final = "SELECT version, phone, body FROM identities WHERE username_key = ?"

# Not ON CONFLICT (id): which of two clashes it sees first is not promised, and the same
# identity added again must find its id taken, not its own name.
_ADD: Final = """
INSERT INTO identities (id, version, username_key, deleted, swept, phone, body)
SELECT :id, 1, :username_key, :deleted, :swept, :phone, :body
WHERE NOT EXISTS (SELECT 1 FROM identities WHERE id = :id)
"""

_REPLACE: Final = """
UPDATE identities
SET version = version + 1, username_key = :username_key, deleted = :deleted, swept = :swept,
    phone = :phone, body = :body
WHERE id = :id AND version = :version
"""


@dataclass(frozen=True, slots=True)
class SqliteIdentities:
    """Identities, whose names a unique index keeps apart."""

    database: Database
    rows: IdentityRows

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        return self._read(await self.database.row(_LOAD, (identity_id,)))

    async def add(self, identity: Identity) -> bool:
        return await self._changed(_ADD, self.rows.write(identity))

    async def replace(self, identity: Identity, version: int) -> bool:
        return await self._changed(_REPLACE, {**self.rows.write(identity), "version": version})

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        return self._read(await self.database.row(_HOLDER, (username.key,)))

    def _read(self, row: Row | None) -> Versioned[Identity] | None:
        return self.rows.read(row) if row else None

    async def _changed(self, sql: str, values: dict[str, object]) -> bool:
        try:
            return bool(await self.database.changed(sql, values))
        except NotUnique:
            raise UniqueViolation("another identity has this name") from None
