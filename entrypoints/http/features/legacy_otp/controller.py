"""One-time codes, legacy API."""

from litestar import Controller, post
from litestar.params import JSONBody

from application.otp.feature import OtpUseCases
from application.otp.log_in import LoggedIn, VerifyOtpCommand
from application.otp.request_otp import RequestOtpCommand
from domain import errors
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_international_phone
from entrypoints.http.features.legacy_otp import schemas
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
from entrypoints.http.requests.request import ApiRequest


class LegacyOtpController(Controller):
    """The two paths that the older mobile app uses; their bodies must not change."""

    path = "/authenticate"
    tags = ["Legacy OTP"]
    opt = {"tag_description": "Two paths for existing clients of the older mobile app."}
    dependencies = {"otp": provide(lambda use_cases: use_cases.of(OtpUseCases))}

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
        data: JSONBody[schemas.LegacyGetOtpBody],
    ) -> schemas.LegacyGetOtpResponse:
        """Send a code to a phone."""
        settings = request.settings.otp
        with parsing_field("phone"):
            phone = parse_international_phone(
                data.phone, settings.default_region, settings.phone_rules
            )
        await otp.request_otp(RequestOtpCommand(phone, request.client_ip))
        return schemas.LegacyGetOtpResponse()

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
        data: JSONBody[schemas.LegacyValidateOtpBody],
    ) -> schemas.LegacyValidateOtpResponse:
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
        return schemas.LegacyValidateOtpResponse(access_token=result.tokens.access_token)
