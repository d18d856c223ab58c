"""Signing in, as the older mobile app does it."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, HttpMethod, Request, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn, VerifyOtpCommand
from domain import errors
from domain.otp.challenge import parse_otp_code
from domain.phone import MAX_INPUT_LENGTH, parse_international_phone
from entrypoints.http.dependencies import Cases, ClientAddress
from entrypoints.http.device_text import device_text
from entrypoints.http.documented import body_refusals, older_refused_with
from entrypoints.http.field_parsing import parse_field, parse_fields
from entrypoints.http.json_bodies import JsonBody
from entrypoints.http.refusals import MethodRefused, WrongCode
from entrypoints.http.session_schemas import AccessTokenText
from entrypoints.http.sign_in_schemas import CodeText, described

OlderPhoneText = Annotated[
    str,
    described(
        "A phone number that begins with its country code, with or without +.",
        "+912873645289",
        format="phone",
        max_length=MAX_INPUT_LENGTH,
    ),
]


class OlderAskBody(msgspec.Struct, kw_only=True):
    """Who wants a code; other fields are ignored."""

    phone: OlderPhoneText


class OlderAnswerBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The code that came."""

    phone: OlderPhoneText
    otp: CodeText


class OlderSuccess(msgspec.Struct, kw_only=True):
    """It worked."""

    message: Annotated[
        str, Meta(description="What became of the request.", examples=["success"])
    ] = "success"
    exit_code: Annotated[int, Meta(description="Always 0: it worked.", examples=[0])] = 0


class OlderSignedIn(OlderSuccess, kw_only=True):
    """The code was right."""

    access_token: AccessTokenText


def only_post(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse OPTIONS, which the framework answers by itself and the older service did not."""
    if isinstance(connection, Request) and connection.method != HttpMethod.POST:
        raise MethodRefused(HttpMethod.POST.value)


class OlderSignInController(Controller):
    """The two paths that the older mobile app calls; its bodies are kept to the letter."""

    path = "/authenticate"
    tags = ["Sign-in of the older mobile app"]
    guards = [only_post]

    @post(
        "/get_otp",
        operation_id="olderGetOtp",
        summary="Ask for a code",
        response_description="A message is on its way, or was a moment ago.",
        status_code=200,
        dto=JsonBody[OlderAskBody],
        return_dto=None,
        responses=older_refused_with(
            *body_refusals("phone"),
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
            errors.Unavailable,
        ),
    )
    async def get_otp(
        self, data: JSONBody[OlderAskBody], use_cases: Cases, client_address: ClientAddress
    ) -> OlderSuccess:
        """Send a six-digit code to a phone."""
        phone = parse_field("phone", lambda: parse_international_phone(data.phone))
        await use_cases.request_otp(RequestOtpCommand(phone, client_address))
        return OlderSuccess()

    @post(
        "/validate_otp",
        operation_id="olderValidateOtp",
        summary="Answer with the code",
        response_description="The code was right.",
        status_code=200,
        dto=JsonBody[OlderAnswerBody],
        return_dto=None,
        responses=older_refused_with(
            *body_refusals("otp"), WrongCode, errors.TooManyAttempts, errors.Unavailable
        ),
    )
    async def validate_otp(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[OlderAnswerBody],
        use_cases: Cases,
        client_address: ClientAddress,
    ) -> OlderSignedIn:
        """Trade the code for an access token."""
        phone, code = parse_fields(
            ("phone", lambda: parse_international_phone(data.phone)),
            ("otp", lambda: parse_otp_code(data.otp)),
        )
        outcome = await use_cases.verify_otp(
            VerifyOtpCommand(
                phone,
                code,
                client_address,
                device=device_text(request.headers.get("user-agent", "")),
            )
        )
        if not isinstance(outcome, LoggedIn):
            raise WrongCode
        return OlderSignedIn(access_token=outcome.tokens.access_token)
