"""The list of users over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from application.administration.acts import scopes_of
from application.features.user_list.acts import LIST
from entrypoints.http.features.user_list.controller import UserListController
from entrypoints.http.plugin import ApiPlugin


class UserListPlugin(ApiPlugin):
    """The list of users."""

    scopes = scopes_of([LIST])
    administration: Sequence[type[Controller]] = (UserListController,)
