"""What the backend of the app keeps with a user, over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.features.app_data.controller import AppDataController, OwnAppDataController
from entrypoints.http.plugin import ApiPlugin


class AppDataPlugin(ApiPlugin):
    """The data of the app, which users read, and the claims of users."""

    controllers: Sequence[type[Controller]] = (OwnAppDataController,)
    administration: Sequence[type[Controller]] = (AppDataController,)
    methods = ("PUT",)
