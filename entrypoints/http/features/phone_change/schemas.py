"""Request and response bodies of changes of the phone number."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

import msgspec

from entrypoints.http.administration.target import UserBody
from entrypoints.http.administration.user_acts import ActResponse
from entrypoints.http.administration.user_details import SubjectField
from entrypoints.http.fields import PhoneField, described, phone_field, reason_field
from entrypoints.http.otp.schemas import CodeRequestBody, DeviceTokenInput, OtpField, otp_field

TOGETHER: Final = "Send old_otp and old_request_id together."


class OtpTarget(StrEnum):
    """Which number gets the code."""

    NEW = "new"
    OLD = "old"


RequestIdField = Annotated[
    str,
    described(
        "The `request_id` of the request for the code.",
        "<the request_id of the request for the code>",
    ),
]


class RequestPhoneChangeOtpBody(CodeRequestBody, forbid_unknown_fields=True, kw_only=True):
    """The number to send a code to. An unknown platform or locale is not an error."""

    also_in_example: ClassVar = ("phone",)

    phone: Annotated[
        str | None,
        phone_field(
            "The new number, as people write it. Required unless `target` is `old`, which no"
            " number but the present one is sent with."
        ),
    ] = None
    target: Annotated[
        str | None,
        described(
            "Which number gets the code: the `new` one in `phone` (the default), or the `old` one,"
            " which is the user's present number.",
            OtpTarget.OLD.value,
            enum=[*OtpTarget, None],
        ),
    ] = None


class ChangePhoneBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new number with its code, and a code of the present number.

    Without that code the request is no invalid one: the response says how to get it.
    """

    also_in_example: ClassVar = ("old_otp", "old_request_id")

    phone: PhoneField
    otp: OtpField
    request_id: RequestIdField
    old_otp: Annotated[
        str | None,
        otp_field(
            "The code that the present number got. Without it, the response is a 403"
            " `reauthentication_required`."
        ),
    ] = None
    old_request_id: Annotated[
        str | None,
        described(
            "The `request_id` of the request for `old_otp`. Neither is sent without the other.",
            "<the request_id of the request for old_otp>",
        ),
    ] = None
    device_token: DeviceTokenInput = None
    locale: Annotated[
        str | None,
        described(
            "Ignored: the message to the present number is in the language of its country.",
            "en",
        ),
    ] = None


_OWNER_CHECKED: Final = reason_field(
    "How you made sure that this is the owner, for the audit.",
    "Ticket 4711: passport, called back",
    min_length=1,
)
UserPhoneField = Annotated[
    str,
    phone_field(
        "The number that the account gets. A number without + is read in the default region of the"
        " service.",
        "+14155552672",
    ),
]


class ChangeUserPhoneBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new number of a user, and how somebody made sure that it is hers."""

    phone: UserPhoneField
    reason: Annotated[str, _OWNER_CHECKED]


class ChangePhoneOfUserBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, the number that the user gets, and how somebody made sure that it is hers."""

    new_phone: UserPhoneField
    reason: Annotated[str, _OWNER_CHECKED]


class ChangeUserPhoneResponse(ActResponse, kw_only=True):
    """The account has the new number."""

    message: Annotated[str, described("What was done.", "Phone number changed")]
    subject: SubjectField
