"""The list of users."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening


class _UserList(Feature):
    """The list of users."""

    name = "user_list"

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.user_list.plugin import UserListPlugin

        return (UserListPlugin(),)

    async def open(self, opening: "Opening") -> None:
        """Add the use case."""
        from adapters.databases.records.features.user_list import StoredUserList
        from application.features.user_list.feature import UserListFeature

        user_list = StoredUserList(opening.database.records, opening.phone_encryption)
        opening.use_cases.add(UserListFeature(opening.use_cases, user_list))


USER_LIST: Final = _UserList()
