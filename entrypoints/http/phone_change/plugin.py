"""Changes of the number over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.phone_change.controller import PhoneChangeController, UndoController
from entrypoints.http.plugin import ApiPlugin


class PhoneChangePlugin(ApiPlugin):
    """Changes of the number, and their undo."""

    controllers: Sequence[type[Controller]] = (PhoneChangeController, UndoController)
