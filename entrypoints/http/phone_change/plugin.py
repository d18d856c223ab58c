"""Changes of the number over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType

from litestar import Controller

from entrypoints.http.errors.fields import ErrorFields
from entrypoints.http.phone_change.controller import PhoneChangeController, UndoController
from entrypoints.http.phone_change.errors import ERRORS, PhoneChangeErrorFields
from entrypoints.http.plugin import ApiPlugin


class PhoneChangePlugin(ApiPlugin):
    """Changes of the number, and their undo."""

    errors = ERRORS
    fields = MappingProxyType({ErrorFields: PhoneChangeErrorFields})
    controllers: Sequence[type[Controller]] = (PhoneChangeController, UndoController)
