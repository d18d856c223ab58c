"""Changes of the number over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType

from litestar import Controller

from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.features.phone_change.administration import UserPhoneController
from entrypoints.http.features.phone_change.controller import PhoneChangeController
from entrypoints.http.features.phone_change.errors import ERRORS, PhoneChangeErrorFields
from entrypoints.http.plugin import ABOUT_API, ApiPlugin

_ABOUT = """\
`POST /users/me/phone` gives a user another number, by a code of the new one and of the present one.
"""


class PhoneChangePlugin(ApiPlugin):
    """Changes of the number."""

    about = MappingProxyType({ABOUT_API: _ABOUT})
    errors = ERRORS
    fields = MappingProxyType({ServiceError: PhoneChangeErrorFields})
    controllers: Sequence[type[Controller]] = (PhoneChangeController,)
    administration: Sequence[type[Controller]] = (UserPhoneController,)
