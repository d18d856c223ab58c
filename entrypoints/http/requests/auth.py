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
from domain.errors import TooManyRequests, Unauthenticated
from entrypoints.http.errors.exceptions import NoAccessToken
from entrypoints.http.requests.client_ip import CLIENT_IP
from entrypoints.http.requests.headers import header_values

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
    """Authenticates staff by their access tokens, and others by the `OperatorKind` of a feature."""

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Return the `Operator` as `auth`."""
        return AuthenticationResult(user=None, auth=await _find_operator(connection))


async def _find_operator(connection: Connection) -> Operator:
    token = _read_token(connection)
    if kind := _find_kind(connection, token):
        return await kind.authenticate(connection, token)
    return staff_member(await authenticate(connection))


def _find_kind(connection: Connection, token: str) -> OperatorKind | None:
    kinds: Sequence[OperatorKind] = connection.app.state.operator_kinds
    return next((kind for kind in kinds if kind.recognizes(token)), None)


async def authenticate(connection: Connection, *, or_limit_by_ip: bool = False) -> Principal:
    """Authenticate by the access token, and count the request of the identity.

    With `or_limit_by_ip`, it counts for the IP where the identity is at its limit.

    Raises:
        NoAccessToken, Unauthenticated: The access token is missing, or invalid.
        TooManyRequests
    """
    use_cases: UseCases = connection.app.state.use_cases
    limits: RequestLimits = connection.app.state.request_limits
    token = _read_token(connection)
    if kind := _find_kind(connection, token):
        raise Unauthenticated(kind.misplaced)
    principal = await use_cases.identities.authenticate(token)
    # Only valid tokens count: a session that was revoked cannot use up the identity's limit.
    try:
        limits.acquire_for_identity(principal.identity.id)
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
