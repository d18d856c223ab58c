"""One-time codes, main API."""

import re
from typing import Any, Final

from litestar import Controller, Request, post
from litestar.params import JSONBody

from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn, VerifyOtpCommand
from domain import errors
from domain.errors import InvalidCharacters, TooLong, UnsupportedValue
from domain.identities.device_token import DeviceToken, parse_device_token
from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from domain.otp.challenge import parse_otp_code
from domain.otp.templates.preferences import MessagePreferences, parse_platform
from entrypoints.http.client import parse_device_name
from entrypoints.http.dependencies import ClientIp, SettingsDependency, UseCasesDependency
from entrypoints.http.openapi.responses import body_errors, error_responses
from entrypoints.http.otp.schemas import (
    DEVICE_PATTERN,
    InvalidOtpResponse,
    RequestOtpBody,
    RequestOtpResponse,
    VerifyOtpBody,
    VerifyOtpResponse,
    to_request_otp_response,
    to_verify_otp_response,
)
from entrypoints.http.parsing import JsonBody, missing_field, parse_fields

_DEVICE: Final = re.compile(DEVICE_PATTERN)


class OtpController(Controller):
    """Requests for codes, and their verification."""

    path = "/auth"
    tags = ["OTP"]

    @post(
        "/request-otp",
        operation_id="request_otp",
        summary="Request a code",
        response_description="The message was sent. If `sent` is false, it had been sent before.",
        status_code=200,
        dto=JsonBody[RequestOtpBody],
        return_dto=None,
        responses=error_responses(
            *body_errors(missing_field("phone")),
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
            errors.Unavailable,
        ),
    )
    async def request_otp(
        self,
        data: JSONBody[RequestOtpBody],
        use_cases: UseCasesDependency,
        settings: SettingsDependency,
        client_ip: ClientIp,
    ) -> RequestOtpResponse:
        """Send a code to a phone.

        A second request within the cooldown sends no message: `sent` is false, and the response
        has a `request_id` of its own for the message that was sent before. The fourth of such
        requests is a 429. A login ends the cooldown. A resend has the same code and does not
        extend its life. With a `device_token` of an earlier login the request has limits of its
        own.
        """
        phone, _ = parse_fields(
            ("phone", lambda: settings.parse_phone(data.phone)),
            ("channel", lambda: _validate_channel(data.channel)),
        )
        preferences = MessagePreferences(parse_platform(data.platform), data.locale, data.app_hash)
        sent = await use_cases.request_otp(
            RequestOtpCommand(phone, client_ip, preferences, _parse_device_token(data.device_token))
        )
        return to_request_otp_response(sent)

    @post(
        "/verify-otp",
        operation_id="verify_otp",
        summary="Exchange a code for an access token",
        response_description="The code was correct (`success` is true) or not.",
        status_code=200,
        dto=JsonBody[VerifyOtpBody],
        return_dto=None,
        responses=error_responses(
            *body_errors(missing_field("otp")),
            errors.TooManyAttempts,
            errors.TooManyAttemptsFromIp,
            errors.Unavailable,
        ),
    )
    async def verify_otp(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[VerifyOtpBody],
        use_cases: UseCasesDependency,
        settings: SettingsDependency,
        client_ip: ClientIp,
    ) -> VerifyOtpResponse | InvalidOtpResponse:
        """Exchange a code for an access token. A code can be used once.

        After a 503, or without a response, send the same code again: if the login was not saved,
        it is completed. If it was, the code is invalid and a new one can be requested at once.

        Send `request_id`: the attempts are then counted for this request only, and nobody else
        can use them up. A correct code also returns a `device_token`; with it the device has
        attempts and messages of its own from then on. With `refresh`, the access token is
        short-lived and a refresh token is returned. Without it, the access token is long-lived
        and cannot be refreshed.
        """
        phone, code, device = parse_fields(
            ("phone", lambda: settings.parse_phone(data.phone)),
            ("otp", lambda: parse_otp_code(data.otp, settings.otp_length)),
            ("device", lambda: _parse_device(data.device)),
        )
        result = await use_cases.verify_otp(
            VerifyOtpCommand(
                phone,
                code,
                client_ip,
                data.request_id,
                device or parse_device_name(request.headers.get("user-agent", "")),
                with_refresh=bool(data.refresh),
                device_token=_parse_device_token(data.device_token),
                with_device_token=True,
            )
        )
        if isinstance(result, LoggedIn):
            return to_verify_otp_response(result.tokens, result.device_token)
        return InvalidOtpResponse(attempts_left=result.attempts_left)


def _validate_channel(channel: str | None) -> None:
    if channel not in (None, "sms"):
        raise UnsupportedValue("The only channel is 'sms' so far. Send that, or omit the field.")


def _parse_device_token(value: object) -> DeviceToken | None:
    return parse_device_token(value) if isinstance(value, str) else None


def _parse_device(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > MAX_DEVICE_NAME_LENGTH:
        raise TooLong(f"A device name has at most {MAX_DEVICE_NAME_LENGTH} characters.")
    if not _DEVICE.fullmatch(text):
        raise InvalidCharacters("A device name has no control characters or line breaks.")
    return text.strip() or None
