"""Signing in, main family."""

import re
from typing import Any, Final

from litestar import Controller, Request, post
from litestar.params import JSONBody

from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn, VerifyOtpCommand
from domain import errors
from domain.errors import InvalidValue
from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from domain.otp.challenge import parse_otp_code
from domain.otp.templates.preferences import MessagePreferences, parse_platform
from domain.phone import parse_phone
from entrypoints.http.dependencies import Cases, ClientAddress, Settings
from entrypoints.http.device_text import device_text
from entrypoints.http.documented import body_refusals, refused_with
from entrypoints.http.field_parsing import parse_fields
from entrypoints.http.json_bodies import JsonBody
from entrypoints.http.sign_in_schemas import (
    DEVICE_PATTERN,
    AnswerBody,
    AskBody,
    OtpInvalid,
    OtpSent,
    OtpVerified,
    show_verified,
)

_DEVICE: Final = re.compile(DEVICE_PATTERN)


class SignInController(Controller):
    """A code by message, and the token that a right one brings."""

    path = "/auth"
    tags = ["Sign-in"]

    @post(
        "/request-otp",
        operation_id="requestOtp",
        summary="Ask for a code",
        response_description="A message is on its way, or was a moment ago (`sent` is false then).",
        status_code=200,
        dto=JsonBody[AskBody],
        return_dto=None,
        responses=refused_with(
            *body_refusals("phone"),
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
            errors.Unavailable,
        ),
    )
    async def request_otp(
        self,
        data: JSONBody[AskBody],
        use_cases: Cases,
        settings: Settings,
        client_address: ClientAddress,
    ) -> OtpSent:
        """Send a six-digit code to a phone.

        Asking again within the cool-down sends nothing and answers with the same `request_id`
        and `sent: false`; from another address it is a 429. A resend carries the same code and
        does not make it last longer.
        """
        phone, _ = parse_fields(
            ("phone", lambda: parse_phone(data.phone, settings.default_region)),
            ("channel", lambda: _offered_channel(data.channel)),
        )
        preferences = MessagePreferences(parse_platform(data.platform), data.locale, data.app_hash)
        sent = await use_cases.request_otp(RequestOtpCommand(phone, client_address, preferences))
        return OtpSent(
            request_id=sent.request_id,
            sent=sent.sent,
            expires_in=sent.expires_in,
            resend_in=sent.resend_in,
        )

    @post(
        "/verify-otp",
        operation_id="verifyOtp",
        summary="Answer with the code",
        response_description="The code was right (`success` is true, with a token), or it was not.",
        status_code=200,
        dto=JsonBody[AnswerBody],
        return_dto=None,
        responses=refused_with(*body_refusals("otp"), errors.TooManyAttempts, errors.Unavailable),
    )
    async def verify_otp(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[AnswerBody],
        use_cases: Cases,
        settings: Settings,
        client_address: ClientAddress,
    ) -> OtpVerified | OtpInvalid:
        """Trade the code for an access token.

        A code works once. Send `request_id` along: the tries are then this request's own, and
        nobody else can use them up. With `refresh` true the access token is short-lived and a
        refresh token comes with it; without, one token lives long and cannot be refreshed.
        """
        phone, code, device = parse_fields(
            ("phone", lambda: parse_phone(data.phone, settings.default_region)),
            ("otp", lambda: parse_otp_code(data.otp)),
            ("device", lambda: _device(data.device)),
        )
        outcome = await use_cases.verify_otp(
            VerifyOtpCommand(
                phone,
                code,
                client_address,
                data.request_id,
                device or device_text(request.headers.get("user-agent", "")),
                with_refresh=bool(data.refresh),
            )
        )
        if isinstance(outcome, LoggedIn):
            return show_verified(outcome.tokens)
        return OtpInvalid(attempts_left=outcome.attempts_left)


def _offered_channel(channel: str | None) -> None:
    if channel not in (None, "sms"):
        raise InvalidValue("Codes travel by 'sms' only so far; send that or leave it out.")


def _device(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > MAX_DEVICE_NAME_LENGTH or not _DEVICE.fullmatch(text):
        raise InvalidValue(
            f"A device text has at most {MAX_DEVICE_NAME_LENGTH} characters, and no line breaks."
        )
    return text.strip() or None
