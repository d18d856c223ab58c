"""The API of the older app."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, post
from litestar.params import JSONBody

from application.otp.log_in import LoggedIn, VerifyOtpCommand
from application.otp.request_otp import RequestOtpCommand
from application.otp.use_cases import OtpUseCases
from domain import errors
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_international_phone
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.table import ApiError, ErrorTable
from entrypoints.http.fields import AccessTokenField, described, phone_field
from entrypoints.http.otp.schemas import OtpField
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
from entrypoints.http.requests.request import ApiRequest

_BAD_REQUEST: Final = (4, "Bad Request/ Data format incorrect")
_SERVER_ERROR: Final = (5, "Internal server error")
_STATUSES: Final[Mapping[int, tuple[int, str]]] = {
    400: _BAD_REQUEST,
    403: (1, "permission denied/"),
    404: (1, "ARE YOU LOST ::"),
    405: (1, "Method not allowed"),
    408: _BAD_REQUEST,
    415: _BAD_REQUEST,
    429: (1, "Too many requests"),
    500: _SERVER_ERROR,
}
"""The statuses of the legacy API, with the exit code and the first words of `error`.

Clients compare how `error` begins. Errors of any other status are a 500 there.
"""

_OTHER_STATUSES: Final[Mapping[type[ApiError], int]] = {
    exceptions.BodyTooLarge: 400,
    # A proxy or a client repeats it.
    exceptions.Overloaded: 503,
}
"""The statuses in the legacy API of errors whose status in the main API it does not have."""
_WRONG_CODE: Final = "Invalid OTP or Validation failed "
_REASONS: Final[Mapping[type[ApiError], str]] = {
    errors.IncorrectOtp: _WRONG_CODE,
    exceptions.MethodNotAllowed: "Only POST methods are allowed",
    errors.DeliveryFailed: "unable to connect to message server :- {}",
}
"""The reasons that follow those words, where they are not the error's message, `{}`."""


class LegacyError(msgspec.Struct):
    """An error of the legacy API."""

    error: Annotated[
        str,
        described(
            "Begins with a text that is fixed for each kind of error.",
            "ARE YOU LOST :: 404 Not Found: There is nothing at this path.",
        ),
    ]
    exit_code: Annotated[int, described("1, 4 or 5.", 1)]
    message: Annotated[str, described("Always `failed`.", "failed")]
    status_code: Annotated[int, described("The HTTP status.", 404)]


class LegacyErrorTable(ErrorTable):
    """The errors as the older mobile app reads them."""

    segment = "authenticate"
    name = "Legacy"
    methods = "POST"
    schema = LegacyError

    def status(self, error: ApiError) -> int:
        status = super().status(error)
        return status if status in _STATUSES else _OTHER_STATUSES.get(type(error), 500)

    def body(self, error: ApiError) -> Mapping[str, Any]:
        status, message = self.status(error), self.message(error)
        exit_code, words = _STATUSES.get(status, _SERVER_ERROR)
        reason = _REASONS.get(type(error), "{}").format(message)
        return {
            "error": f"{words} {status} {HTTPStatus(status).phrase}: {reason}",
            "exit_code": exit_code,
            "message": "failed",
            "status_code": status,
        }


LegacyPhoneField = Annotated[
    str,
    phone_field(
        "A phone number that begins with its country code, with or without +.", "+912873645289"
    ),
]


class LegacyGetOtpBody(msgspec.Struct, kw_only=True):
    """The phone to send a code to. Other fields are ignored."""

    phone: LegacyPhoneField


class LegacyGetOtpResponse(msgspec.Struct, kw_only=True):
    """The request succeeded."""

    message: Annotated[str, described("Always `success`.", "success")] = "success"
    exit_code: Annotated[int, described("Always 0.", 0)] = 0


class LegacyValidateOtpBody(LegacyGetOtpBody, kw_only=True):
    """The code from the message. Other fields are ignored."""

    otp: OtpField


class LegacyValidateOtpResponse(LegacyGetOtpResponse, kw_only=True):
    """The code was correct."""

    access_token: AccessTokenField


class LegacyOtpController(Controller):
    """The two paths that the older mobile app uses; their bodies must not change."""

    path = "/authenticate"
    tags = ["Legacy OTP"]
    opt = {"tag_description": "Two paths for existing clients of the older mobile app."}
    dependencies = {"otp": provide(lambda use_cases: use_cases.otp)}

    @post(
        "/get_otp",
        summary="Request a code",
        response_description="The message was sent, now or within the cooldown.",
        status_code=200,
        errors=[
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
        ],
    )
    async def legacy_get_otp(
        self,
        request: ApiRequest,
        otp: Injected[OtpUseCases],
        data: JSONBody[LegacyGetOtpBody],
    ) -> LegacyGetOtpResponse:
        """Send a code to a phone."""
        settings = request.settings.otp
        with parsing_field("phone"):
            phone = parse_international_phone(
                data.phone, settings.default_region, settings.phone_rules
            )
        await otp.request_otp(RequestOtpCommand(phone, request.client_ip))
        return LegacyGetOtpResponse()

    @post(
        "/validate_otp",
        summary="Exchange a code for an access token",
        response_description="The code was correct.",
        status_code=200,
        errors=[
            errors.IncorrectOtp,
            errors.LoginRejected,
            errors.TooManyAttempts,
            errors.TooManyAttemptsFromIp,
        ],
    )
    async def legacy_validate_otp(
        self,
        request: ApiRequest,
        otp: Injected[OtpUseCases],
        data: JSONBody[LegacyValidateOtpBody],
    ) -> LegacyValidateOtpResponse:
        """Exchange a code for an access token.

        The same request again, from the same IP within a minute, gets an access token of the same
        session, until a token of it is used.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_international_phone(
                    data.phone, settings.default_region, settings.phone_rules
                )
            with invalid.of("otp"):
                code = parse_otp_code(data.otp, settings.otp_length)
        command = VerifyOtpCommand(
            phone, code, request.client_ip, device=request.device_name, is_legacy=True
        )
        try:
            result = await otp.verify_otp(command)
        except errors.AccountBlocked:
            # Its clients know no other error of a correct code.
            raise errors.IncorrectOtp("otp", 0) from None
        if not isinstance(result, LoggedIn):
            raise errors.IncorrectOtp("otp", result.attempts_left)
        return LegacyValidateOtpResponse(access_token=result.tokens.access_token)


class LegacyOtpHttpAdditions(HttpAdditions):
    """The two paths of the older app."""

    error_table = LegacyErrorTable
    controllers: Sequence[type[Controller]] = (LegacyOtpController,)
