"""Authentication of staff by the cookie of the console."""

from typing import Any, Final

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from application.features.console.feature import ConsoleFeature
from application.limits.request_limits import RequestLimits
from application.use_cases import UseCases
from domain.administration import scope as staff
from domain.errors import Unauthenticated
from domain.features.console import is_form_token
from entrypoints.http.features.console.request import (
    FORM_COOKIE,
    FORM_TOKEN,
    SESSION_COOKIE,
    ConsoleOriginNotAllowed,
    ConsoleRequest,
    InvalidFormToken,
    NotSignedIn,
    TokenNotAccepted,
    read_form,
)
from entrypoints.http.requests.auth import acquire_for_ip
from entrypoints.http.requests.checks import parse_origin
from entrypoints.http.requests.headers import header_values

NEEDED_SCOPE: Final = "needed_scope"
"""What a controller names in its `opt`: the scope that all of its pages need."""


class ConsoleMiddleware(ASGIMiddleware):
    """Lets only staff with a session of the console pass, each to the pages of the own role.

    - A request with an access token or a service token is rejected, also if it has the cookie.
    - The session and the role are read at each request, so a sign-out and a demotion act at once.
    - A POST comes from a page of the service: it has the origin of `DIALTONE_PUBLIC_URL`, and the
      token of the session's forms.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request = ConsoleRequest(scope, receive)
        if request.method != "OPTIONS":
            reject_tokens(request)
            await self._authenticate(request)
        await next_app(scope, receive, send)

    async def _authenticate(self, request: ConsoleRequest) -> None:
        secret = request.cookies.get(SESSION_COOKIE)
        if not secret:
            raise NotSignedIn
        if request.method != "GET":
            check_origin(request)
        use_cases: UseCases = request.app.state.use_cases
        limits: RequestLimits = request.app.state.request_limits
        scope: Any = request.scope
        try:
            signed_in = await use_cases.of(ConsoleFeature).authenticate(secret)
        except Unauthenticated as error:
            # Each costs a read of the database.
            acquire_for_ip(request)
            raise NotSignedIn from error
        limits.acquire_for_identity(signed_in.session.identity_id)
        if request.method != "GET":
            await check_form_token(request, secret)
        scope["user"], scope["auth"] = signed_in.session, signed_in.operator
        needed: staff.Scope | None = scope["route_handler"].opt.get(NEEDED_SCOPE)
        if needed is not None:
            signed_in.operator.check_scope(needed)


class SignInMiddleware(ASGIMiddleware):
    """Checks the forms before there is a session: by a cookie of their own."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request = ConsoleRequest(scope, receive)
        scope["user"] = None
        if request.method != "OPTIONS":
            reject_tokens(request)
        if request.method == "POST":
            check_origin(request)
            await check_form_token(request, request.cookies.get(FORM_COOKIE, ""))
        await next_app(scope, receive, send)


def reject_tokens(request: ConsoleRequest) -> None:
    """Raise `TokenNotAccepted` if the request has credentials of the API."""
    if header_values(request.scope, b"authorization"):
        raise TokenNotAccepted


def check_origin(request: ConsoleRequest) -> None:
    """Raise `ConsoleOriginNotAllowed` unless a page of the service sent the request."""
    own = request.settings.server.public_origin
    origins = header_values(request.scope, b"origin")
    origin = parse_origin(origins[0]) if len(origins) == 1 else None
    if origin is None or origin != parse_origin(own):
        raise ConsoleOriginNotAllowed(f"Open the console at {own}/console, and try again there.")


async def check_form_token(request: ConsoleRequest, secret: str) -> None:
    """Raise `InvalidFormToken` unless the form has the token of this secret."""
    form = await read_form(request)
    if not secret or not is_form_token(form[FORM_TOKEN], secret):
        raise InvalidFormToken
