"""The records of service tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository
from application.ports.service_tokens import AdminRepositories
from domain.admin.service_token import ServiceToken
from domain.administration.scope import Scope


class ServiceTokenRecord(Record, kw_only=True):
    """A service token, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    # Scopes that programs from before roles do not know: they cannot read a token with one.
    more_scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    secret_hash: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


SERVICE_TOKENS: Final = RecordKind(
    "service_tokens",
    ServiceTokenRecord,
    Index(name="service_tokens_expires_at", order=EXPIRES_AT),
)


_OF_EARLIER_PROGRAMS: Final = frozenset(
    {
        Scope.READ_USERS,
        Scope.LIST_USERS,
        Scope.READ_PHONES,
        Scope.SUPPORT_USERS,
        Scope.CHANGE_PHONES,
        Scope.SET_USER_DATA,
        Scope.DELETE_USERS,
        Scope.EXPORT_USERS,
        Scope.READ_AUDIT,
        Scope.READ_COSTS,
        Scope.READ_STATISTICS,
    }
)
_KNOWN: Final = frozenset(scope.value for scope in Scope)


class _TokenMapping(RecordMapping[ServiceToken, ServiceTokenRecord]):
    """The mapping of service tokens."""

    def to_record(self, value: ServiceToken) -> ServiceTokenRecord:
        """Return the record, with what earlier programs do not know beside what they know."""
        record = super().to_record(value)
        record.scopes = tuple(each for each in value.scopes if each in _OF_EARLIER_PROGRAMS)
        record.more_scopes = tuple(each for each in value.scopes if each not in record.scopes)
        return record

    def to_value(self, record: ServiceTokenRecord) -> ServiceToken:
        """Return the token with all that it was given, but for what this program does not know."""
        stored = (*record.scopes, *record.more_scopes)
        known = tuple(each for each in stored if each in _KNOWN)
        return super().to_value(msgspec.structs.replace(record, scopes=known))


class StoredServiceTokens(RecordRepository[ServiceToken, ServiceTokenRecord]):
    """Service tokens."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        index = self.kind.find_index("expires_at")
        found = await self.store.find(self.kind, index, newest_first=True, limit=limit)
        return [self.read(stored).value for stored in found]


def make_admin_repositories(database: Database) -> AdminRepositories:
    """Return the repositories of the REST administration."""
    mapping = _TokenMapping(SERVICE_TOKENS, ServiceToken)
    return AdminRepositories(service_tokens=StoredServiceTokens(database.records, mapping))


KINDS: Final = (SERVICE_TOKENS,)
