from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from adapters.sqlite.body import micros
from adapters.sqlite.database import Database
from adapters.sqlite.identity_row import IdentityRows
from application.ports.versioned import Versioned
from domain.identities.identity import Identity

_AMONG: Final = """
SELECT id FROM identities
WHERE deleted IS NOT NULL AND id IN (SELECT value FROM json_each(?))
"""

_UNSWEPT: Final = """
SELECT version, phone, body FROM identities
WHERE deleted IS NOT NULL AND swept = 0 ORDER BY deleted LIMIT ?
"""

_NAMED_BEFORE: Final = """
SELECT version, phone, body FROM identities
WHERE deleted <= ? AND username_key IS NOT NULL ORDER BY deleted LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SqliteTombstones:
    """Deleted identities, each question a range of an index of its own."""

    database: Database
    rows: IdentityRows

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        listed = msgspec.json.encode(list(identity_ids)).decode()
        return frozenset(row[0] for row in await self.database.rows(_AMONG, (listed,)))

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        return [self.rows.read(row) for row in await self.database.rows(_UNSWEPT, (limit,))]

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        found = await self.database.rows(_NAMED_BEFORE, (micros(deleted), limit))
        return [self.rows.read(row) for row in found]
