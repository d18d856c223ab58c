"""Changes of the number over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType

from litestar import Controller

from application.administration.acts import scopes_of
from application.features.phone_change.acts import CHANGE_PHONE
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.features.phone_change.administration import UserPhoneController
from entrypoints.http.features.phone_change.controller import PhoneChangeController, UndoController
from entrypoints.http.features.phone_change.errors import ERRORS, PhoneChangeErrorFields
from entrypoints.http.plugin import ABOUT_API, ApiPlugin

_ABOUT = """\
`POST /users/me/phone` gives a user another number, which the former number can undo for seven days.
"""
_ABOUT_LOGIN = """\
A user who did not make the change of a 409 `number_was_changed` can undo it: see
`POST /auth/undo-phone-change/request-otp`.
"""
_ABOUT_LEGACY_LOGIN = """\
While a change of the number can be undone, a correct code gets the response of a wrong one:
the account has another number.
"""


class PhoneChangePlugin(ApiPlugin):
    """Changes of the number, and their undo."""

    about = MappingProxyType(
        {
            ABOUT_API: _ABOUT,
            "verify_otp": _ABOUT_LOGIN,
            "legacy_validate_otp": _ABOUT_LEGACY_LOGIN,
        }
    )
    scopes = scopes_of([CHANGE_PHONE])
    errors = ERRORS
    fields = MappingProxyType({ServiceError: PhoneChangeErrorFields})
    controllers: Sequence[type[Controller]] = (PhoneChangeController, UndoController)
    administration: Sequence[type[Controller]] = (UserPhoneController,)
