"""Request and response bodies of what is done for users."""

from typing import Annotated, ClassVar, Final

import msgspec

from application.otp.request_otp import RequestOtpResult
from application.ports.otp import DeliveryStatus
from domain.administration.role_scopes import STAFF_ROLES
from domain.identities.role import Role
from domain.otp.delivery import Channel
from entrypoints.http.core.administration.target import ReasonField, UserBody
from entrypoints.http.core.administration.user_details import SubjectField
from entrypoints.http.core.otp.schemas import CHANNELS_OF_REQUESTS
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.admin.retained_data import RetainedDataResponse
from entrypoints.http.fields import (
    EXTERNAL_ID_DESCRIPTION,
    UsernameField,
    described,
    external_id_field,
)

NO_CHANGE: Final = FieldError(
    "username", FieldErrorCode.MISSING_FIELD, "Send one of username and external_id."
)
TWO_CHANGES: Final = FieldError(
    "username", FieldErrorCode.CONFLICTING_VALUE, "Send only one of username and external_id."
)
_ROLES: Final = [role.value for role in STAFF_ROLES]


class ChangeUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a user: exactly one of `username` and `external_id`."""

    combinations: ClassVar = (
        {"required": ["external_id"], "properties": {"username": {"type": "null"}}},
        {
            "required": ["username"],
            "properties": {"username": {"type": "string"}},
            "not": {"required": ["external_id"]},
        },
    )

    username: UsernameField | None = None
    external_id: Annotated[
        str | msgspec.UnsetType | None,
        external_id_field(f"{EXTERNAL_ID_DESCRIPTION} Null removes it."),
    ] = msgspec.UNSET
    reason: ReasonField = None


class PromoteBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the role that the user gets."""

    role: Annotated[
        str | None,
        described("The role. Without it, `administrator`.", Role.SUPPORT.value, enum=_ROLES),
    ] = None


class SendCodeBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """The user to send a code to: exactly one of `phone`, `username`, `id` and `external_id`."""

    channel: Annotated[
        str | None,
        described(
            "The channel, of those that the country has. By default its first message.",
            Channel.SMS.value,
            enum=CHANNELS_OF_REQUESTS,
        ),
    ] = None
    locale: Annotated[str | None, described("The language of the message, as BCP 47.", "en")] = None


class UserActionResponse(msgspec.Struct, kw_only=True):
    """The action was done."""

    message: Annotated[str, described("What was done.", "Phone blocked")]
    subject: SubjectField


class ResetLimitsResponse(msgspec.Struct, kw_only=True):
    """The limits were reset: one more message can be sent."""

    resets_left: Annotated[
        int, described("How often the limits of this phone can be reset again today.", 1)
    ]
    attempts: Annotated[int, described("How many attempts the next message brings.", 5)]


class SendCodeResponse(msgspec.Struct, kw_only=True):
    """The code was sent to the phone, or may have been. Only its owner sees it."""

    sent: Annotated[
        bool, described("False if no new message was sent, because one was sent just before.", True)
    ]
    expires_in: Annotated[int, described("Seconds until the code expires.", 300)]
    resend_in: Annotated[int, described("Seconds until another message can be sent.", 15)]
    result: Annotated[
        str | None,
        described(
            "`accepted`: a provider took it. `unknown`: it did not say so in time, and the message"
            " may have arrived. Null if nothing was sent.",
            DeliveryStatus.ACCEPTED.value,
            enum=[DeliveryStatus.ACCEPTED.value, DeliveryStatus.UNKNOWN.value, None],
        ),
    ]


def to_send_code_response(result: RequestOtpResult) -> SendCodeResponse:
    """Convert a result, without its request id: that is a credential of the user's client."""
    status = DeliveryStatus.ACCEPTED if result.is_confirmed else DeliveryStatus.UNKNOWN
    return SendCodeResponse(
        sent=result.sent,
        expires_in=result.expires_in,
        resend_in=result.resend_in,
        result=status.value if result.sent else None,
    )


class SignOutUserResponse(msgspec.Struct, kw_only=True):
    """All sessions have ended."""

    sessions_ended: Annotated[int, described("How many there were.", 2)]


class DeleteUserResponse(msgspec.Struct, kw_only=True):
    """The account is deleted."""

    retained: Annotated[
        list[RetainedDataResponse], described("What remains, and until when at the latest.")
    ]
