"""The port of the list of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.cursor import Cursor
from domain.identities.identity import Identity
from domain.user_list.user_filter import UserFilter


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
