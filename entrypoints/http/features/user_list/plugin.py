"""The list of users over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.features.user_list.controller import UserListController
from entrypoints.http.plugin import ApiPlugin


class UserListPlugin(ApiPlugin):
    """The list of users."""

    administration: Sequence[type[Controller]] = (UserListController,)
