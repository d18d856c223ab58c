"""The ports of the REST administration: its service tokens, and the list of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Expiring, Records
from domain.cursor import Cursor
from domain.features.admin import ServiceToken, UserFilter
from domain.identities.identity import Identity


class ServiceTokens(Records[ServiceToken], Expiring, Protocol):
    """Service tokens by id, also revoked and expired ones, until the cleanup."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        """List up to `limit` tokens, those that expire last first."""
        ...


@dataclass(frozen=True, slots=True)
class UserPage:
    """Users in the order of `created_at` and `id`, and the cursor of the next page if there is one.

    A page may be shorter than its limit although another one follows.
    """

    users: Sequence[Identity]
    next_cursor: Cursor | None


class UserList(Protocol):
    """Users in an order that no change of a user changes."""

    async def list_after(
        self, user_filter: UserFilter, cursor: Cursor | None, limit: int
    ) -> UserPage:
        """List up to `limit` users after the cursor, by an index.

        One that cannot be read is left out, and the log says so once.

        Raises:
            CorruptRecord: Many of them cannot be read.
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class AdminRepositories:
    """The repositories of the REST administration."""

    service_tokens: ServiceTokens
    user_list: UserList
