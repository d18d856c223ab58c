"""Signing in and out, main family."""

from typing import Final

from litestar import Controller, post
from litestar.di import Provide
from litestar.params import JSONBody

from application.sign_in.request_code import AskForCode
from application.sign_in.verify_code import AnswerWithCode, SignedIn
from domain import errors
from domain.errors import ValueRefused
from domain.identities.session import LONGEST_DEVICE
from domain.phone import parse_phone
from domain.sign_in.code import parse_code
from domain.sign_in.texts.form import TextForm, platform_named
from entrypoints.http.authentication import provide_caller, requires_caller
from entrypoints.http.dependencies import Cases, ClientAddress, Settings, SignedInCaller
from entrypoints.http.documented import BEARER, body_refusals, refused_with
from entrypoints.http.field_parsing import parse_field, parse_fields
from entrypoints.http.json_bodies import JsonBody
from entrypoints.http.sign_in_schemas import (
    AnswerBody,
    AskBody,
    LogoutBody,
    OtpInvalid,
    OtpSent,
    OtpVerified,
)
from entrypoints.http.sign_out_operation import SignOutOperation

NOT_OFFERED_SCOPE: Final = "Only 'this' session can be ended so far; send that or leave it out."


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
            errors.TooManyAsks,
            errors.MessageNotSent,
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
        form = TextForm(platform_named(data.platform), data.locale, data.app_hash)
        sent = await use_cases.request_code(AskForCode(phone, client_address, form))
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
        responses=refused_with(*body_refusals("otp"), errors.TooManyTries, errors.Unavailable),
    )
    async def verify_otp(
        self,
        data: JSONBody[AnswerBody],
        use_cases: Cases,
        settings: Settings,
        client_address: ClientAddress,
    ) -> OtpVerified | OtpInvalid:
        """Trade the code for an access token.

        A code works once. Send `request_id` along: the tries are then this request's own, and
        nobody else can use them up.
        """
        phone, code, device, _ = parse_fields(
            ("phone", lambda: parse_phone(data.phone, settings.default_region)),
            ("otp", lambda: parse_code(data.otp)),
            ("device", lambda: _device(data.device)),
            ("refresh", lambda: _offered_refresh(wanted=bool(data.refresh))),
        )
        outcome = await use_cases.verify_code(
            AnswerWithCode(phone, code, client_address, data.request_id, device)
        )
        if isinstance(outcome, SignedIn):
            tokens = outcome.tokens
            return OtpVerified(access_token=tokens.access_token, expires_in=tokens.expires_in)
        return OtpInvalid(attempts_left=outcome.tries_left)

    @post(
        "/logout",
        operation_id="logout",
        summary="Sign out",
        response_description="The session has ended.",
        status_code=204,
        guards=[requires_caller],
        dependencies={"caller": Provide(provide_caller, sync_to_thread=False)},
        dto=JsonBody[LogoutBody],
        return_dto=None,
        operation_class=SignOutOperation,
        security=BEARER,
        responses=refused_with(
            *body_refusals("scope", NOT_OFFERED_SCOPE), errors.Unauthenticated, errors.Unavailable
        ),
    )
    async def logout(
        self,
        use_cases: Cases,
        caller: SignedInCaller,
        data: JSONBody[LogoutBody | None] = None,
    ) -> None:
        """End the session of the token shown; the token stops at once. The body may be empty."""
        parse_field("scope", lambda: _offered_scope(data.scope if data else None))
        await use_cases.sign_out(caller)


def _offered_channel(channel: str | None) -> None:
    if channel not in (None, "sms"):
        raise ValueRefused("Codes travel by 'sms' only so far; send that or leave it out.")


def _offered_refresh(*, wanted: bool) -> None:
    if wanted:
        raise ValueRefused("Refresh tokens are not offered yet; leave this out.")


def _offered_scope(scope: str | None) -> None:
    if scope not in (None, "this"):
        raise ValueRefused(NOT_OFFERED_SCOPE)


def _device(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > LONGEST_DEVICE or not text.isprintable():
        raise ValueRefused(
            f"A device text has at most {LONGEST_DEVICE} characters, all of them printable."
        )
    return text.strip() or None
