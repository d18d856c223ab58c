"""The records of service tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import ActorRecord
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from application.features.admin.ports import AdminRepositories
from domain.features.admin.service_token import ServiceToken


class ServiceTokenRecord(Record, kw_only=True):
    """A service token, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...] = ()
    secret_hash: str
    created_at: datetime
    created_by: ActorRecord
    expires_at: datetime
    revoked_at: datetime | None = None


SERVICE_TOKENS: Final = RecordKind(
    "service_tokens",
    ServiceTokenRecord,
    Index(name="service_tokens_expires_at", order=EXPIRES_AT),
)


class StoredServiceTokens(RecordRepository[ServiceToken, ServiceTokenRecord]):
    """Service tokens."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        index = self.kind.find_index("expires_at")
        found = await self.store.find(self.kind, index, newest_first=True, limit=limit)
        return [self.read(stored).value for stored in found]


def make_admin_repositories(database: Database) -> AdminRepositories:
    """Return the repositories of the REST administration."""
    mapping = RecordMapping(SERVICE_TOKENS, ServiceToken)
    return AdminRepositories(service_tokens=StoredServiceTokens(database.records, mapping))


KINDS: Final = (SERVICE_TOKENS,)
