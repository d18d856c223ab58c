"""The list of users."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.settings import Settings


class _UserList(Feature):
    """The list of users."""

    name = "user_list"

    def plugins(self, settings: "Settings", installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del settings, installed
        from entrypoints.http.features.user_list.plugin import UserListPlugin

        return (UserListPlugin(),)

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Add the use case."""
        from adapters.databases.records.features.user_list import StoredUserList
        from application.features.user_list.feature import UserListFeature

        user_list = StoredUserList(opening.database.records, opening.phone_encryption)
        opening.use_cases.add(UserListFeature(opening.use_cases, user_list))
        yield


USER_LIST: Final = _UserList()
