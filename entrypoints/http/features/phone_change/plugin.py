"""Changes of the number over HTTP."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from litestar import Controller

from application.features.phone_change.feature import CHANGE_USER_PHONE
from domain.features.phone_change import OldOtpRequired
from entrypoints.http.administration.user_acts import make_act_controller
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.phone_change.controller import (
    ACT_PATHS,
    PhoneChangeController,
    UserPhoneController,
)
from entrypoints.http.fields import described
from entrypoints.http.plugin import ABOUT_API, ApiPlugin


class PhoneChangeErrorFields(msgspec.Struct):
    """What errors of codes have here."""

    field: Annotated[str, described("The field with the code.", "otp", enum=["otp", "old_otp"])]
    attempts_left: Annotated[
        int, described("The number of attempts that are left with this code.", 4)
    ]


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    OldOtpRequired: ErrorRow(
        403,
        "reauthentication_required",
        "Send old_otp and old_request_id too: a code of your present number. Request it with"
        " target old at POST /users/me/phone/request-otp.",
    ),
}


_ABOUT = """\
`POST /users/me/phone` gives a user another number, by a code of the new one and of the present one.
"""


class PhoneChangePlugin(ApiPlugin):
    """Changes of the number."""

    about = MappingProxyType({ABOUT_API: _ABOUT})
    use_cases = ("phone_change",)
    errors = ERRORS
    fields = MappingProxyType({ServiceError: PhoneChangeErrorFields})
    controllers: Sequence[type[Controller]] = (PhoneChangeController,)
    administration: Sequence[type[Controller]] = (
        UserPhoneController,
        make_act_controller([CHANGE_USER_PHONE], ACT_PATHS),
    )
