"""Authentication by access token, and limits of requests, before a body is read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware.authentication import (
    AbstractAuthenticationMiddleware,
    AuthenticationResult,
)

from application.administration.operator import Operator, staff_member
from application.limits.request_limits import RequestLimits
from application.principal import Principal
from application.use_cases import UseCases
from domain.errors import Forbidden, PasskeyRequired, TooManyRequests, Unauthenticated
from domain.identities.session import SessionKind
from entrypoints.http.errors.exceptions import NoAccessToken
from entrypoints.http.requests.client_ip import CLIENT_IP
from entrypoints.http.requests.console_cookie import read_console_cookie
from entrypoints.http.requests.headers import header_values
from entrypoints.http.settings import HttpSettings

BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
"""The OpenAPI security requirement of an operation that needs an access token."""
_MAX_TOKEN_LENGTH: Final = 4096

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class OperatorKind:
    """Operators who are no people.

    Attributes:
        recognizes: Whether a text is a token of theirs, valid or not.
        authenticate: Returns the operator, or raises `Unauthenticated`.
        misplaced: Says where a token of theirs belongs, if it is sent to a path for users.
    """

    recognizes: Callable[[str], bool]
    authenticate: Callable[[Connection, str], Awaitable[Operator]]
    misplaced: str


class AuthenticationMiddleware(AbstractAuthenticationMiddleware):
    """Authenticates requests. For a guard, the framework would copy the handler each time."""

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        return AuthenticationResult(user=None, auth=await authenticate(connection))


class AdministrationMiddleware(AbstractAuthenticationMiddleware):
    """Authenticates people in the console, and others by the `OperatorKind` of a feature."""

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Return the `Operator` as `auth`."""
        return AuthenticationResult(user=None, auth=await _find_operator(connection))


class ConsoleMiddleware(AbstractAuthenticationMiddleware):
    """Authenticates sessions of the console."""

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        return AuthenticationResult(user=None, auth=await _find_console_user(connection))


class OptionalConsoleMiddleware(AbstractAuthenticationMiddleware):
    """Authenticates a path that needs a session of the console or a link, which needs no session.

    Without a valid session, a request counts for its IP.
    """

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Return the principal as `auth`, or the reason without one."""
        auth: Principal | Unauthenticated | Forbidden | PasskeyRequired
        try:
            auth = await _find_console_user(connection)
        except Unauthenticated as error:
            acquire_for_ip(connection)
            auth = error
        except (Forbidden, PasskeyRequired) as error:
            auth = error
        return AuthenticationResult(user=None, auth=auth)


async def _find_operator(connection: Connection) -> Operator:
    token = _read_token(connection)
    if kind := _find_kind(connection, token):
        return await kind.authenticate(connection, token)
    return staff_member(await _find_console_user(connection))


async def _find_console_user(connection: Connection) -> Principal:
    token = _read_token(connection)
    if kind := _find_kind(connection, token):
        await kind.authenticate(connection, token)
        raise Forbidden("No service token does this, whatever its scopes: it is for people.")
    try:
        return await authenticate(connection, session_kind=SessionKind.CONSOLE)
    except (Forbidden, PasskeyRequired):
        # The session of an app is valid, and costs a read of the database.
        acquire_for_ip(connection)
        raise


def _find_kind(connection: Connection, token: str) -> OperatorKind | None:
    kinds: Sequence[OperatorKind] = connection.app.state.operator_kinds
    return next((kind for kind in kinds if kind.recognizes(token)), None)


async def authenticate(
    connection: Connection,
    *,
    or_limit_by_ip: bool = False,
    session_kind: SessionKind = SessionKind.APP,
) -> Principal:
    """Authenticate by the access token, and count the request of the identity.

    With `or_limit_by_ip`, it counts for the IP where the identity is at its limit.

    Raises:
        NoAccessToken, Unauthenticated: The access token is missing, or invalid.
        Forbidden, PasskeyRequired: The session of an app, where one of the console is needed.
        TooManyRequests
    """
    use_cases: UseCases = connection.app.state.use_cases
    limits: RequestLimits = connection.app.state.request_limits
    token = _read_token(connection)
    if kind := _find_kind(connection, token):
        raise Unauthenticated(kind.misplaced)
    cookie = ""
    if session_kind is SessionKind.CONSOLE:
        settings: HttpSettings = connection.app.state.settings
        cookie = read_console_cookie(connection.scope, settings.server)
    principal = await use_cases.identities.authenticate(token, session_kind, cookie)
    # Only valid tokens count: a session that was revoked cannot use up the identity's limit. Nor
    # can a session of an app, which a code opens, keep its owner from the console.
    subject = principal.identity.id
    if principal.session.is_console:
        subject = f"console:{subject}"
    try:
        limits.acquire_for_identity(subject)
    except TooManyRequests:
        if not or_limit_by_ip:
            raise
        acquire_for_ip(connection)
    return principal


def _read_token(connection: Connection) -> str:
    values = header_values(connection.scope, b"authorization")
    scheme, _, token = (values[-1] if values else "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise NoAccessToken
    if len(token) > _MAX_TOKEN_LENGTH:
        raise Unauthenticated
    return token


class OptionalAuthenticationMiddleware(AbstractAuthenticationMiddleware):
    """Authenticates and limits a path that may have an access token: by identity, or else by IP.

    - The access token is verified first: clients that share an IP with a flood are not limited by
      it if they have a valid one.
    - An identity at its limit has that of the IP: a stolen token cannot keep its owner from
      signing out.
    """

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Return the principal as `auth`, or the `Unauthenticated` error of the access token."""
        auth: Principal | Unauthenticated
        try:
            auth = await authenticate(connection, or_limit_by_ip=True)
        except Unauthenticated as error:
            acquire_for_ip(connection)
            auth = error
        return AuthenticationResult(user=None, auth=auth)


async def limit_by_ip(connection: Connection, _: BaseRouteHandler) -> None:
    """Limit a path that needs no access token."""
    acquire_for_ip(connection)


def acquire_for_ip(connection: Connection) -> None:
    """Count a request of the client's IP; raises TooManyRequests."""
    limits: RequestLimits = connection.app.state.request_limits
    scope: Any = connection.scope
    limits.acquire_for_ip(scope[CLIENT_IP])
