"""Changes of the phone number of a user, and their undo."""

from typing import Final

import msgspec
from litestar import Controller, post
from litestar.params import JSONBody, SkipValidation

from application.features.phone_change.change_phone import (
    ChangePhoneCommand,
    RequestPhoneChangeOtpCommand,
)
from application.features.phone_change.feature import PhoneChangeFeature
from application.features.phone_change.undo_by_notice import UndoByNoticeCommand
from application.features.phone_change.undo_phone_change import UndoPhoneChangeCommand
from application.otp.feature import OtpFeature
from application.otp.request_otp import RequestOtpCommand
from domain import errors
from domain.features.phone_change import errors as phone_change_errors
from domain.otp.challenge import Purpose, parse_otp_code
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences, locale_fallbacks, parse_platform
from domain.otp.undo_code import parse_undo_code
from domain.phone import parse_phone
from entrypoints.http.core.otp.proofs import parse_sent_proof
from entrypoints.http.core.otp.schemas import CodeSentResponse, describe_otp_length
from entrypoints.http.core.users.schemas import UserResponse, to_user_response
from entrypoints.http.errors.exceptions import FieldError, InvalidFields
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.phone_change import schemas
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors, missing_field, parsing_field
from entrypoints.http.requests.request import ApiRequest

_TAG: Final = "Phone change"
_OLD_NUMBER_ONLY: Final = "The code goes to your present number. Omit this field."
_FRESH_LOGIN: Final = (
    "Sign in again: this needs a login within the last 15 minutes. Or send old_otp and"
    " old_request_id: a code of your present number."
)
_LOGIN_WITH_NUMBER: Final = (
    "Sign in again with the number of this account: this needs a login with a code of the number,"
    " after the account got it and within the last 15 minutes."
)


class PhoneChangeController(Controller):
    """Changes of the user's number."""

    path = "/users/me/phone"
    tags = [_TAG]
    opt = {"tag_description": "Change the phone number of a user, undo it, or disown it."}
    dependencies = {"phone_change": provide(lambda use_cases: use_cases.of(PhoneChangeFeature))}
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
            phone_change_errors.PhoneChangeForbidden,
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
        2. Did the user sign in more than 15 minutes ago? Then send `target` `old` here too. The
           present number gets a code of its own. Another way is to sign in again.
        3. Send all of it to `POST /users/me/phone`.

        A user who has lost the present number cannot get its code, and asks the operator of the
        service.

        The limits and the cooldown of a number are those of `POST /auth/request-otp`, and what
        else that asks for is asked for here. Each user gets at most five codes a day here. The
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
            preferences=_make_preferences(data),
            accepts_attestation=sent.accepts_attestation,
            proof=sent.proof,
        )
        with parsing_field("phone"):
            result = await phone_change.request_otp(request.principal, command)
        return msgspec.convert(result, CodeSentResponse, from_attributes=True)

    @post(
        summary="Change the signed-in user's number",
        response_description="The user, with the new number.",
        status_code=200,
        describe_body=describe_otp_length,
        errors=[
            FieldError("old_request_id", FieldErrorCode.MISSING_FIELD, schemas.TOGETHER),
            errors.UserNotFound,
            errors.FreshLoginRequired,
            errors.IncorrectOtp,
            phone_change_errors.PhoneChangeForbidden,
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
        """Give the user another number. Request its code first.

        The user signed in within the last 15 minutes, or sends a code of the present number as
        `old_otp` with its `old_request_id`. Without both it is a 403 `reauthentication_required`.

        - From then on only the new number signs in. The session of the request stays. All others
          end, and no `device_token` is recognized anymore.
        - The new number gets a message, and can disown the account for seven days, see
          `POST /users/me/phone/disown`.
        - The number that the user had gets a message too. For seven days it can undo the change,
          see `POST /auth/undo-phone-change`, and nobody else can get that number. A change with
          `old_otp` cannot be undone.
        - A wrong code is a 403 `invalid_otp` with its `field` and the attempts that are left.
        - That somebody has the new number is a 409 after the right code only. A number that the
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
            # Only its normal spelling, which is short: it is stored until the message is sent.
            locale=next(iter(locale_fallbacks(data.locale)), None),
        )
        try:
            with parsing_field("phone"):
                identity = await phone_change.change_phone(request.principal, command)
        except errors.FreshLoginRequired:
            raise errors.FreshLoginRequired(_FRESH_LOGIN) from None
        return to_user_response(identity, identity)

    @post(
        "/disown",
        summary="Disown the account that the user's number got",
        response_description="The number is free, and the user has no session anymore.",
        status_code=200,
        errors=[
            errors.FreshLoginRequired,
            phone_change_errors.DisownNotPossible,
            errors.AuditFailed,
        ],
    )
    async def disown_phone(
        self, request: ApiRequest, phone_change: Injected[PhoneChangeFeature]
    ) -> schemas.DisownPhoneResponse:
        """Say that the user's account is not that of the person who has its number.

        It is for owners of a number who signed in and found an account of somebody else: that
        person changed its number to theirs, for which they had to give away one code. The number
        got a message then. It is possible for seven days after the change.

        The user signed in with the number, after the change and within the last 15 minutes.
        Another session, also the one that made the change, gets a 403
        `reauthentication_required`.

        - The number is free: the next login with it opens a new account.
        - The account has its former number again, and the session goes on that made the change. If
          the change cannot be undone (anymore), the account has no number and no sessions.
        - All sessions that were opened with the number end, also the user's.
        - What was put into the account stays there, also a username.

        After a 503, or without a response, send the same request again. A 401 then means that it
        is done.
        """
        try:
            await phone_change.disown(request.principal)
        except errors.FreshLoginRequired:
            raise errors.FreshLoginRequired(_LOGIN_WITH_NUMBER) from None
        return schemas.DisownPhoneResponse()


class UndoController(Controller):
    """The undo of changes. Who does it has no session: it has the number that an account had."""

    path = "/auth/undo-phone-change"
    tags = [_TAG]
    dependencies = {
        "otp": provide(lambda use_cases: use_cases.of(OtpFeature)),
        "phone_change": provide(lambda use_cases: use_cases.of(PhoneChangeFeature)),
    }

    @post(
        "/request-otp",
        summary="Request a code for an undo",
        response_description="The message was sent, now or before, if there is a change to undo.",
        status_code=200,
        errors=[
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
        ],
    )
    async def request_undo_otp(
        self,
        request: ApiRequest,
        otp: Injected[OtpFeature],
        data: JSONBody[SkipValidation[schemas.RequestUndoOtpBody]],
    ) -> CodeSentResponse:
        """Send a code to a number whose account changed to another number. It signs nobody in.

        It is for owners of a number who got the message that it was changed, or a 409
        `number_was_changed` when they signed in, and did not do that themselves. An app sends the
        number here, and then the code to `POST /auth/undo-phone-change`.

        A change can be undone for seven days. A number without a change to undo gets the same
        response, and no message: the response does not say what the number was used for. Limits
        and cooldown are those of `POST /auth/request-otp`, and so is what else that asks for.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            sent = parse_sent_proof(request, data, invalid)
        result = await otp.request_otp(
            RequestOtpCommand(
                phone,
                request.client_ip,
                Channel.SMS,
                _make_preferences(data),
                purpose=Purpose.UNDO_PHONE_CHANGE,
                accepts_attestation=sent.accepts_attestation,
                proof=sent.proof,
            )
        )
        return msgspec.convert(result, CodeSentResponse, from_attributes=True)

    @post(
        summary="Undo a change of the number",
        response_description="The account has its former number again.",
        status_code=200,
        describe_body=describe_otp_length,
        errors=[
            missing_field("otp"),
            FieldError("undo_code", FieldErrorCode.CONFLICTING_VALUE, schemas.ONE_CODE),
            errors.IncorrectOtp,
            phone_change_errors.UndoNotPossible,
            errors.TooManyAttempts,
            errors.TooManyAttemptsFromIp,
            errors.AuditFailed,
        ],
    )
    async def undo_phone_change(
        self,
        request: ApiRequest,
        phone_change: Injected[PhoneChangeFeature],
        data: JSONBody[schemas.UndoPhoneChangeBody],
    ) -> schemas.UndoPhoneChangeResponse:
        """Give an account its former number back, by a code that this number got for it.

        Send the number with the `undo_code` of the message that it was changed. Where that has
        none, request a code for an undo, and send it as `otp` with its `request_id`.

        - All sessions of the account end, and no `device_token` is recognized anymore. The owner
          signs in with the former number.
        - For seven days the owner cannot change the number again.
        - Where the other number has disowned the account, it has its former number already: an
          `undo_code` ends all sessions then, and the `message` says so.
        - The number that the account had meanwhile gets a message. Later changes are undone too:
          their numbers cannot undo anything.
        - A wrong code is a 403 `invalid_otp` with its `field`. Of an `otp` it also has the attempts
          that are left. An `undo_code` has no attempts that others could use up: only those of an
          IP are limited. It is wrong as soon as the change can no longer be undone.

        After a 503, or without a response, send the same request again.
        """
        if data.undo_code is None:
            await phone_change.undo(_parse_undo(request, data))
            return schemas.UndoPhoneChangeResponse()
        command = _parse_undo_by_notice(request, data, data.undo_code)
        if await phone_change.undo_by_notice(command):
            return schemas.UndoPhoneChangeResponse(message=schemas.ALREADY_DISOWNED)
        return schemas.UndoPhoneChangeResponse()


def _parse_undo_by_notice(
    request: ApiRequest, data: schemas.UndoPhoneChangeBody, undo_code: str
) -> UndoByNoticeCommand:
    settings = request.settings.otp
    with FieldErrors(data) as invalid:
        with invalid.of("phone"):
            phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
        with invalid.of("undo_code"):
            code = parse_undo_code(undo_code)
        if (data.otp, data.request_id) != (None, None):
            conflict = FieldErrorCode.CONFLICTING_VALUE
            invalid.add(FieldError("undo_code", conflict, schemas.ONE_CODE))
    return UndoByNoticeCommand(phone=phone, code=code, client_ip=request.client_ip)


def _parse_undo(request: ApiRequest, data: schemas.UndoPhoneChangeBody) -> UndoPhoneChangeCommand:
    settings, sent = request.settings.otp, {"otp": data.otp, "request_id": data.request_id}
    if data.otp is None or data.request_id is None:
        raise InvalidFields(*(missing_field(name) for name in sent if sent[name] is None))
    with FieldErrors(data) as invalid:
        with invalid.of("phone"):
            phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
        with invalid.of("otp"):
            code = parse_otp_code(data.otp, settings.otp_length)
    return UndoPhoneChangeCommand(
        phone=phone, code=code, request_id=data.request_id, client_ip=request.client_ip
    )


def _parse_target(text: str | None) -> schemas.OtpTarget:
    try:
        return schemas.OtpTarget.NEW if text is None else schemas.OtpTarget(text)
    except ValueError:
        raise errors.UnsupportedValue("Send 'new' or 'old', or omit the field.") from None


def _make_preferences(
    data: schemas.RequestPhoneChangeOtpBody | schemas.RequestUndoOtpBody,
) -> MessagePreferences:
    return MessagePreferences(parse_platform(data.platform), data.locale, data.app_hash)
