"""Sign in to the console, and out."""

import secrets
from datetime import timedelta
from math import ceil
from typing import Any, Final

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template

from application.features.console.feature import ConsoleFeature
from application.features.console.sign_in import ConsoleSignedIn, ConsoleSignInCommand
from application.otp.request_otp import RequestOtpCommand
from application.otp.use_cases import OtpUseCases
from application.use_cases import UseCases
from domain.errors import (
    DeliveryFailed,
    DomainError,
    IncorrectOtp,
    PasskeyRequired,
    RateLimitExceeded,
    TooManyAttempts,
    TooManyAttemptsFromIp,
)
from domain.features.console import (
    CONSOLE_DEVICE_TTL,
    MAX_AGE,
    SECRET_BYTES,
    is_secret,
    make_form_token,
)
from domain.identities.device_token import DeviceToken, parse_device_token
from domain.otp.challenge import Purpose, parse_otp_code
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences
from domain.phone import PhoneNumber, parse_phone
from entrypoints.http.errors.table import ErrorTable
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import SignInMiddleware
from entrypoints.http.features.console.render import (
    HOME,
    PASSKEY_SIGN_IN,
    SIGN_IN,
    SIGN_OUT,
    next_of,
    parse_return_path,
    render,
    see_other,
)
from entrypoints.http.features.console.request import (
    FORM_COOKIE,
    KNOWN_COOKIE,
    SESSION_COOKIE,
    ConsoleRequest,
    read_form,
)
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.responses.errors import report_error

_WRONG_CODE: Final = "This code is not correct, or not valid anymore. Check it, or get a new one."
_SHORT_WAIT: Final = 120
"""Up to here, a wait is told in seconds."""


class SignInController(ConsoleController):
    """The sign-in of the staff, by a code that no app accepts.

    - Phone and request id are in hidden fields of the second form: neither the server nor the
      browser keeps them, and several tabs do not disturb each other.
    - A number of nobody with a role gets the same responses.
    - A successful sign-in makes the browser known: the cookie of that opens nothing, and its code
      requests and attempts are none that strangers can use up.
    """

    path = SIGN_IN
    middleware = [SignInMiddleware()]

    @get("/")
    async def show_sign_in(self, request: ConsoleRequest) -> Template:
        target = parse_return_path(request.query_params.get("next", HOME))
        is_again = "again" in request.query_params
        return render_before_session(
            request, "console/sign_in.html", is_again=is_again, target=target, next=next_of(target)
        )

    @post("/", status_code=200)
    async def send_code(self, request: ConsoleRequest, use_cases: Injected[UseCases]) -> Template:
        """Send a code, and return the form for it. It is sent to any number, within the limits."""
        form = await read_form(request)
        target = parse_return_path(form["next"])
        preferences = MessagePreferences(locale=request.headers.get("accept-language"))
        try:
            phone = _parse_phone(request, form["phone"])
            result = await use_cases.of(OtpUseCases).request_otp(
                RequestOtpCommand(
                    phone,
                    request.client_ip,
                    Channel.SMS,
                    preferences,
                    device_token=_find_device_token(request),
                    purpose=Purpose.CONSOLE_SIGN_IN,
                )
            )
        except DomainError as error:
            return show_again(
                request,
                "console/sign_in.html",
                error,
                phone=form["phone"],
                is_again=False,
                target=target,
                next=next_of(target),
            )
        return render(
            request,
            "console/verify.html",
            phone=phone.e164,
            request_id=result.request_id,
            target=target,
            resend_in=result.resend_in,
        )

    @get("/verify")
    async def return_to_sign_in(self) -> Redirect:
        """Lead whoever opens the address of the second form to the first one."""
        return see_other(SIGN_IN)

    @post("/verify", status_code=200)
    async def verify_code(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Response[Any]:
        form = await read_form(request)
        target, request_id = parse_return_path(form["next"]), form["request_id"]
        try:
            phone = _parse_phone(request, form["phone"])
            code = parse_otp_code(form["otp"], request.settings.otp.otp_length)
            signed_in = await use_cases.of(ConsoleFeature).sign_in(
                ConsoleSignInCommand(
                    phone=phone,
                    code=code,
                    request_id=request_id,
                    client_ip=request.client_ip,
                    device_token=_find_device_token(request),
                )
            )
        except PasskeyRequired as error:
            message = "passkey_missing" if error.has_none else "passkey_required"
            return see_other(PASSKEY_SIGN_IN, message, **next_of(target))
        except DomainError as error:
            return show_again(
                request,
                "console/verify.html",
                error,
                phone=form["phone"],
                request_id=request_id,
                target=target,
                resend_in=error.resend_in if isinstance(error, TooManyAttempts) else 0,
            )
        return await open_session(request, signed_in, target)


class SignOutController(ConsoleController):
    """The end of a session."""

    path = SIGN_OUT

    @post("/", status_code=303)
    async def sign_out(self, request: ConsoleRequest, use_cases: Injected[UseCases]) -> Redirect:
        await use_cases.of(ConsoleFeature).sign_out(request.cookies[SESSION_COOKIE])
        response = see_other(SIGN_IN, message="signed_out")
        response.cookies.append(_delete_cookie(SESSION_COOKIE))
        return response


def render_before_session(request: ConsoleRequest, name: str, **context: Any) -> Template:
    """Render the first page of a sign-in, with the cookie of its forms."""
    secret = request.cookies.get(FORM_COOKIE, "")
    if not is_secret(secret):
        secret = secrets.token_hex(SECRET_BYTES)
    page = render(request, name, form_token=make_form_token(secret), **context)
    page.cookies.append(_make_cookie(FORM_COOKIE, secret))
    return page


async def open_session(
    request: ConsoleRequest, signed_in: ConsoleSignedIn, target: str, message: str = ""
) -> Redirect:
    """Lead to a page with the cookies of a session that was opened. A former one ends."""
    if former := request.cookies.get(SESSION_COOKIE):
        use_cases: UseCases = request.app.state.use_cases
        await use_cases.of(ConsoleFeature).sign_out(former)
    response = see_other(target, message)
    response.cookies += [
        _make_cookie(SESSION_COOKIE, signed_in.cookie),
        _delete_cookie(FORM_COOKIE),
    ]
    if signed_in.device_token is not None:
        known = signed_in.device_token.text
        response.cookies.append(_make_cookie(KNOWN_COOKIE, known, CONSOLE_DEVICE_TTL))
    return response


def _find_device_token(request: ConsoleRequest) -> DeviceToken | None:
    return parse_device_token(request.cookies.get(KNOWN_COOKIE, ""))


def _parse_phone(request: ConsoleRequest, text: str) -> PhoneNumber:
    settings = request.settings.otp
    return parse_phone(text, settings.default_region, settings.phone_rules)


def show_again(request: ConsoleRequest, name: str, error: DomainError, **context: Any) -> Template:
    """Return a form again, with what is wrong."""
    is_wrong = isinstance(error, IncorrectOtp)
    status = 400 if is_wrong else request.errors.status(error)
    report_error(request, error, status)
    page = render(
        request, name, status_code=status, error=_explain(error, request.errors), **context
    )
    page.headers.update(request.errors.headers(error))
    return page


def _explain(error: DomainError, errors: ErrorTable) -> str:
    """Return what is wrong, and when to try again where waiting is the way out."""
    if isinstance(error, IncorrectOtp):
        return _WRONG_CODE
    message = errors.message(error)
    # The way out after too many attempts is another code. Those of the network are of no code.
    needs_code = isinstance(error, TooManyAttempts) and not isinstance(error, TooManyAttemptsFromIp)
    if needs_code or not isinstance(error, RateLimitExceeded | DeliveryFailed):
        return message
    seconds = error.retry_after
    wait = f"{seconds} seconds" if seconds <= _SHORT_WAIT else f"{ceil(seconds / 60)} minutes"
    return f"{message} It is possible again in {wait}."


def _make_cookie(name: str, value: str, lifetime: timedelta = MAX_AGE) -> Cookie:
    return Cookie(
        name,
        value=value,
        max_age=int(lifetime.total_seconds()),
        secure=True,
        httponly=True,
        samesite="strict",
    )


def _delete_cookie(name: str) -> Cookie:
    return Cookie(name, value="", max_age=0, secure=True, httponly=True, samesite="strict")
