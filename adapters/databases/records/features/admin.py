"""The records of service tokens, and the list of users, whose indexes are those of identities."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import BLOCKED_USERS, STAFF, USERS
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository, to_position
from adapters.databases.records.record_store import IndexPosition
from adapters.databases.records.repositories import StoredIdentities
from adapters.databases.records.retention import Retention
from application.features.admin import AdminRepositories, UserPage
from domain.administration.audit import Actor
from domain.cursor import Cursor
from domain.features.admin import KEPT_AFTER_EXPIRY, ServiceToken, UserFilter
from domain.identities.identity import Identity
from domain.identities.role import Role


class ServiceTokenRecord(Record, kw_only=True):
    """A service token, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...] = ()
    secret_hash: str
    created_at: datetime
    created_by: Actor
    expires_at: datetime
    revoked_at: datetime | None = None


SERVICE_TOKENS: Final = RecordKind(
    "service_tokens",
    ServiceTokenRecord,
    Index(name="service_tokens_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "service tokens, without their secrets, and who made them",
            "id name scopes roles secret_hash created_at created_by(kind id name role) expires_at"
            " revoked_at",
            f"{KEPT_AFTER_EXPIRY.days} days after they expire, 13 months at most",
            "backends act for users",
        ),
    ),
)
_MAX_READS: Final = 10
"""Maximum reads for a page: the filter may exclude nearly all users of its index, as blocked."""


class StoredServiceTokens(RecordRepository[ServiceToken, ServiceTokenRecord]):
    """Service tokens."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        index = self.kind.find_index("expires_at")
        records = await self.store.find(self.kind, index, newest_first=True, limit=limit)
        return [self.read(stored).value for stored in records]


class StoredUserList(StoredIdentities):
    """Users, by the index that has all of a filter, and few others."""

    async def list_after(
        self, user_filter: UserFilter, cursor: Cursor | None, limit: int
    ) -> UserPage:
        index, after = _index_of(user_filter), to_position(cursor)
        role = user_filter.role
        equal = [role.value] if index is STAFF and role else []
        if after is None and user_filter.created_since is not None:
            after = IndexPosition(user_filter.created_since, "")  # before all ids
        users, last, size = list[Identity](), cursor, limit + 1
        for _ in range(_MAX_READS):
            found = await self.list_readable(
                index, "user_not_listed", equal, after=after, limit=size
            )
            for loaded in found:
                if len(users) == limit:
                    return UserPage(users, last)
                identity = loaded.value
                last = Cursor(identity.created_at, identity.id)
                if user_filter.includes(identity):
                    users.append(identity)
            if len(found) < size:
                return UserPage(users, None)
            after = to_position(last)
        return UserPage(users, last)


def _index_of(user_filter: UserFilter) -> Index:
    if user_filter.is_blocked:
        return BLOCKED_USERS
    return USERS if user_filter.role in (None, Role.MEMBER) else STAFF


def make_admin_repositories(database: Database, encryption: PhoneEncryption) -> AdminRepositories:
    """Return the repositories of the REST administration."""
    mapping = RecordMapping(SERVICE_TOKENS, ServiceToken)
    return AdminRepositories(
        service_tokens=StoredServiceTokens(database.records, mapping),
        user_list=StoredUserList(database.records, encryption),
    )


KINDS: Final = (SERVICE_TOKENS,)
