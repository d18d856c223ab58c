"""Changes of the number over HTTP."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Self

import msgspec
from litestar import Controller

from application.administration.show_user import UserDetails
from domain.features.phone_change import OldOtpRequired
from domain.identities.phone_change import PhoneChangeStep
from entrypoints.http.administration.user_details import AccountResponse, UserFields, to_struct
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.phone_change.controller import (
    PhoneChangeController,
    UserPhoneController,
)
from entrypoints.http.fields import described, time_field
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
    errors = ERRORS
    fields = MappingProxyType({ServiceError: PhoneChangeErrorFields})
    controllers: Sequence[type[Controller]] = (PhoneChangeController,)
    administration: Sequence[type[Controller]] = (UserPhoneController,)


class PhoneChangeResponse(msgspec.Struct, kw_only=True):
    """A change of the phone of an account that is under way."""

    step: Annotated[
        str,
        described(
            "What is done next: the new number is assigned (`assign`), the former one is released"
            " (`release`), or gets a message (`notify`).",
            PhoneChangeStep.NOTIFY.value,
            enum=[step.value for step in PhoneChangeStep],
        ),
    ]
    started_at: Annotated[str, time_field("When it began, in UTC.")]


class PhoneChangeFields(UserFields, kw_only=True):
    """The change of the number of an account."""

    extends = AccountResponse

    phone_change: Annotated[
        PhoneChangeResponse | None,
        described("The change of its phone that is under way; null without one."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        identity = details.user.identity
        change = None if identity is None or identity.is_deleted else identity.phone_change
        return cls(phone_change=to_struct(change, PhoneChangeResponse) if change else None)
