"""Changes of the phone number of a user: by the user, and by administrators."""

from collections.abc import Mapping
from typing import Final

import msgspec
from litestar import Controller, post
from litestar.params import JSONBody, SkipValidation

from application.features.phone_change.change_phone import (
    ChangePhoneCommand,
    RequestPhoneChangeOtpCommand,
)
from application.features.phone_change.change_phone_of_user import CHANGE_PHONE, HAS_NUMBER
from application.features.phone_change.feature import PhoneChangeFeature
from domain import errors
from domain.features.phone_change import OldOtpRequired
from domain.otp.challenge import parse_otp_code
from domain.otp.message_preferences import MessagePreferences, parse_platform
from domain.phone import parse_phone
from entrypoints.http.administration.target import ACT_ERRORS
from entrypoints.http.administration.user_acts import ActPath
from entrypoints.http.errors.core_errors import CORE_TABLE
from entrypoints.http.errors.exceptions import FieldError, InvalidUserId
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.phone_change import schemas
from entrypoints.http.otp.proofs import parse_sent_proof
from entrypoints.http.otp.schemas import CodeSentResponse, parse_sent_device_token
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
        data: JSONBody[SkipValidation[schemas.RequestPhoneChangeOtpBody]],
    ) -> CodeSentResponse:
        """Send a code for a change of the user's number. It signs nobody in.

        An app changes the number in these steps:

        1. Send the new number here. It gets a message, and the user types its code.
        2. Send `target` `old` here. The present number gets a code of its own, which the user types
           too.
        3. Send both codes to `POST /users/me/phone`.

        A user who has lost the present number cannot get its code, and asks the operator of the
        service.

        The limits and the cooldown of a number are those of `POST /auth/request-otp`, and what
        else that asks for is asked for here. Each user gets at most ten codes a day here, those of
        both numbers together, and five of them in one session. The present number recognizes the
        device of the session, or that of a `device_token`: strangers use up none of its limits. The
        response does not say whether somebody has the number.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            target = phone = None
            with invalid.of("target"):
                target = _parse_target(data.target)
            if data.phone is not None:
                with invalid.of("phone"):
                    phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
                    if (
                        target is schemas.OtpTarget.OLD
                        and phone != request.principal.identity.phone
                    ):
                        raise errors.ConflictingValue(_OLD_NUMBER_ONLY)
            elif target is schemas.OtpTarget.NEW:
                invalid.add(missing_field("phone"))
            sent = parse_sent_proof(request, data, invalid)
        command = RequestPhoneChangeOtpCommand(
            phone=phone if target is schemas.OtpTarget.NEW else None,
            client_ip=request.client_ip,
            device_token=parse_sent_device_token(data.device_token),
            preferences=_make_preferences(data),
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
            FieldError("old_request_id", FieldErrorCode.MISSING_FIELD, schemas.TOGETHER),
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
        data: JSONBody[schemas.ChangePhoneBody],
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
                invalid.add(FieldError(missing, FieldErrorCode.MISSING_FIELD, schemas.TOGETHER))
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


def _parse_target(text: str | None) -> schemas.OtpTarget:
    try:
        return schemas.OtpTarget.NEW if text is None else schemas.OtpTarget(text)
    except ValueError:
        raise errors.UnsupportedValue("Send 'new' or 'old', or omit the field.") from None


def _make_preferences(data: schemas.RequestPhoneChangeOtpBody) -> MessagePreferences:
    return MessagePreferences(parse_platform(data.platform), data.locale, data.app_hash)


_PRESENT_NUMBER: Final = FieldError("phone", FieldErrorCode.CONFLICTING_VALUE, HAS_NUMBER)
ACT_PATHS: Final[Mapping[str, ActPath]] = {
    CHANGE_PHONE.name: ActPath(
        operation_id="change_phone_of_user",
        body=schemas.ChangePhoneOfUserBody,
        response=schemas.ChangeUserPhoneResponse,
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
        data: JSONBody[schemas.ChangeUserPhoneBody],
    ) -> schemas.ChangeUserPhoneResponse:
        """Do what `POST /admin/users/change-phone` does, for the user with this id. {who}."""
        query, settings = parse_id(user_id, InvalidUserId()), request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            with invalid.of("reason"):
                reason = request.operator.parse_reason(CHANGE_PHONE, data.reason)
        with parsing_field("phone"):
            user = await phone_change.change_phone_of_user(request.operator, query, phone, reason)
        return schemas.ChangeUserPhoneResponse(message="Phone number changed", subject=user.subject)
