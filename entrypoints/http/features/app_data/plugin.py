"""What the backend of the app keeps with a user, over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from application.administration.acts import scopes_of
from application.features.app_data.acts import SET_APP_DATA, SET_CLAIMS
from entrypoints.http.features.app_data.controller import AppDataController, OwnAppDataController
from entrypoints.http.plugin import ApiPlugin


class AppDataPlugin(ApiPlugin):
    """The data of the app, which users read, and the claims of users."""

    scopes = scopes_of([SET_APP_DATA, SET_CLAIMS])
    controllers: Sequence[type[Controller]] = (OwnAppDataController,)
    administration: Sequence[type[Controller]] = (AppDataController,)
    methods = ("PUT",)
