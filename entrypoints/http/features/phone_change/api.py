"""Changes of the phone number of a user: by the user, and by administrators."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Final

import msgspec
from litestar import Controller, post
from litestar.params import JSONBody, SkipValidation

from application.features.phone_change.change_phone import (
    ChangePhoneCommand,
    OldOtpRequired,
    RequestPhoneChangeOtpCommand,
)
from application.features.phone_change.change_phone_of_user import CHANGE_PHONE, HAS_NUMBER
from application.features.phone_change.feature import CHANGE_USER_PHONE, PhoneChangeFeature
from domain import errors
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_phone
from entrypoints.http.additions import ABOUT_API, HttpAdditions
from entrypoints.http.administration.target import ACT_ERRORS, UserBody
from entrypoints.http.administration.user_acts import ActPath, ActResponse, make_act_controller
from entrypoints.http.administration.user_details import SubjectField
from entrypoints.http.errors.core_errors import CORE_TABLE
from entrypoints.http.errors.exceptions import FieldError, InvalidUserId
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.fields import PhoneField, described, phone_field, reason_field
from entrypoints.http.otp.proofs import parse_sent_proof
from entrypoints.http.otp.schemas import (
    CodeRequestBody,
    CodeSentResponse,
    DeviceTokenInput,
    OtpField,
    otp_field,
    parse_sent_device_token,
)
from entrypoints.http.requests.auth import (
    BEARER,
    AdministrationMiddleware,
    AuthenticationMiddleware,
)
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, missing_field, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.users import UserResponse, to_user_response

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

    A request without that code is not invalid: the response says how to get the code.
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


_TAG: Final = "Phone change"
_OLD_NUMBER_ONLY: Final = "The code goes to your present number. Omit this field."


class PhoneChangeController(Controller):
    """Changes of the user's number."""

    path = "/users/me/phone"
    tags = [_TAG]
    opt = {"tag_description": "Change the phone number of a user."}
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @post(
        "/request-otp",
        summary="Request a code for a change of the number",
        response_description="The message was sent. If `sent` is false, it had been sent before.",
        status_code=200,
        errors=[
            FieldError("phone", FieldErrorCode.CONFLICTING_VALUE, "This is your number already."),
            errors.UserNotFound,
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
        ],
    )
    async def request_phone_change_otp(
        self,
        request: ApiRequest,
        phone_change: Injected[PhoneChangeFeature],
        data: JSONBody[SkipValidation[RequestPhoneChangeOtpBody]],
    ) -> CodeSentResponse:
        """Send a code for a change of the user's number. It signs nobody in.

        An app changes the number in these steps:

        1. Send the new number here. It gets a message, and the user types its code.
        2. Send `target` `old` here. The present number gets a code of its own, which the user types
           too.
        3. Send both codes to `POST /users/me/phone`.

        A user who has lost the present number cannot get its code, and asks the operator of the
        service.

        The limits, the cooldown and the other demands are those of `POST /auth/request-otp`. Each
        user gets at most ten codes a day here, for both numbers together, and five of them in one
        session. The present number recognizes the device of the session, or that of a
        `device_token`: strangers use up none of its limits. The response does not say whether
        somebody has the number.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            target = phone = None
            with invalid.of("target"):
                target = _parse_target(data.target)
            if data.phone is not None:
                with invalid.of("phone"):
                    phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
                    if target is OtpTarget.OLD and phone != request.principal.identity.phone:
                        raise errors.ConflictingValue(_OLD_NUMBER_ONLY)
            elif target is OtpTarget.NEW:
                invalid.add(missing_field("phone"))
            sent = parse_sent_proof(request, data, invalid)
        command = RequestPhoneChangeOtpCommand(
            phone=phone if target is OtpTarget.NEW else None,
            client_ip=request.client_ip,
            device_token=parse_sent_device_token(data.device_token),
            preferences=data.preferences,
            can_send_proof=sent.can_send_proof,
            proof=sent.proof,
        )
        with parsing_field("phone"):
            result = await phone_change.request_otp(request.principal, command)
        return msgspec.convert(result, CodeSentResponse, from_attributes=True)

    @post(
        summary="Change the signed-in user's number",
        response_description="The user, with the new number.",
        status_code=200,
        errors=[
            FieldError("old_request_id", FieldErrorCode.MISSING_FIELD, TOGETHER),
            errors.UserNotFound,
            OldOtpRequired,
            errors.IncorrectOtp,
            errors.PhoneInUse,
            errors.TooManyAttempts,
            errors.TooManyAttemptsFromIp,
            errors.AuditFailed,
        ],
    )
    async def change_phone(
        self,
        request: ApiRequest,
        phone_change: Injected[PhoneChangeFeature],
        data: JSONBody[ChangePhoneBody],
    ) -> UserResponse:
        """Give the user another number. Request the codes of both numbers first.

        The code of the present number is `old_otp`, with its `old_request_id`. Without them it is a
        403 `reauthentication_required`, however fresh the login is.

        - From then on only the new number signs in. The session of the request stays. All others
          end, and no `device_token` is recognized anymore.
        - The number that the user had gets a message, and is free: the next login with it opens an
          account. Nothing gives it back.
        - A wrong code is a 403 `invalid_otp` with its `field` and the attempts that are left. That
          of the present number is compared first. It stays valid after a wrong one of the new one.
        - That somebody has the new number is a 409 after the right codes only. A number that the
          operator has blocked counts as one that somebody has.
        - A code is used once, also for a change that was rejected with a 409. Request a new one
          then.

        After a 503, or without a response, send the same request again: the change is completed,
        and the response is the same.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            with invalid.of("otp"):
                code = parse_otp_code(data.otp, settings.otp_length)
            old_code = None
            if data.old_otp is not None:
                with invalid.of("old_otp"):
                    old_code = parse_otp_code(data.old_otp, settings.otp_length)
            if (data.old_otp is None) is not (data.old_request_id is None):
                missing = "old_otp" if data.old_otp is None else "old_request_id"
                invalid.add(FieldError(missing, FieldErrorCode.MISSING_FIELD, TOGETHER))
        command = ChangePhoneCommand(
            phone=phone,
            code=code,
            request_id=data.request_id,
            client_ip=request.client_ip,
            old_code=old_code,
            old_request_id=data.old_request_id,
            device_token=parse_sent_device_token(data.device_token),
        )
        with parsing_field("phone"):
            identity = await phone_change.change_phone(request.principal, command)
        return to_user_response(identity, identity)


def _parse_target(text: str | None) -> OtpTarget:
    try:
        return OtpTarget.NEW if text is None else OtpTarget(text)
    except ValueError:
        raise errors.UnsupportedValue("Send 'new' or 'old', or omit the field.") from None


_PRESENT_NUMBER: Final = FieldError("phone", FieldErrorCode.CONFLICTING_VALUE, HAS_NUMBER)
ACT_PATHS: Final[Mapping[str, ActPath]] = {
    CHANGE_PHONE.name: ActPath(
        operation_id="change_phone_of_user",
        body=ChangePhoneOfUserBody,
        response=ChangeUserPhoneResponse,
        errors=[
            FieldError("new_phone", FieldErrorCode.CONFLICTING_VALUE, HAS_NUMBER),
            CORE_TABLE.to_field_error("new_phone", errors.CountryNotServed()),
            errors.PhoneInUse,
        ],
    )
}


class UserPhoneController(Controller):
    """Changes for users who lost their phone."""

    path = "/admin/users"
    tags = ["Administration"]
    middleware = [AdministrationMiddleware]
    security = BEARER

    @post(
        f"/{{user_id:str}}/{CHANGE_PHONE.name}",
        summary="Give a user another phone number",
        response_description="The account has the new number.",
        status_code=200,
        act=CHANGE_PHONE,
        errors=[
            InvalidUserId,
            _PRESENT_NUMBER,
            *ACT_ERRORS,
            errors.CountryNotServed,
            errors.PhoneInUse,
        ],
    )
    async def change_user_phone(
        self,
        request: ApiRequest,
        phone_change: Injected[PhoneChangeFeature],
        user_id: IdParameter,
        data: JSONBody[ChangeUserPhoneBody],
    ) -> ChangeUserPhoneResponse:
        """Do what `POST /admin/users/change-phone` does, for the user with this id. {who}."""
        query, settings = parse_id(user_id, InvalidUserId()), request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            with invalid.of("reason"):
                reason = request.operator.parse_reason(CHANGE_PHONE, data.reason)
        with parsing_field("phone"):
            user = await phone_change.change_phone_of_user(request.operator, query, phone, reason)
        return ChangeUserPhoneResponse(message="Phone number changed", subject=user.subject)


class PhoneChangeErrorFields(msgspec.Struct):
    """Fields of errors of codes."""

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


class PhoneChangeHttpAdditions(HttpAdditions):
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
