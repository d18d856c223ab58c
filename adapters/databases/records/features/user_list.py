"""The list of users. Its indexes are those of identities."""

from typing import Final

from adapters.databases.records.kinds import BLOCKED_USERS, STAFF, USERS
from adapters.databases.records.record_kind import Index
from adapters.databases.records.record_repository import to_position
from adapters.databases.records.record_store import IndexPosition
from adapters.databases.records.repositories.identities import StoredIdentities
from application.features.user_list.list_users import UserPage
from domain.cursor import Cursor
from domain.features.user_list.user_filter import UserFilter
from domain.identities.identity import Identity
from domain.identities.role import Role

_MAX_READS: Final = 10
"""Of a page whose index also has users that the filter excludes: nearly all are blocked, maybe."""


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
