"""Authentication by access token."""

from collections.abc import Awaitable
from typing import Final

from application.ports.errors import StorageError
from application.principal import Principal
from domain.errors import DomainError, Unauthenticated, Unavailable
from entrypoints.http.client import headers_of
from entrypoints.http.errors.exceptions import NoAccessToken
from entrypoints.http.request import ApiRequest, before_request

UNAVAILABLE_ERROR: Final = "unavailable_error"
"""A handler names in `opt`, under this key, the error for a failed authentication."""
BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
"""The OpenAPI security requirement of an operation that needs an access token."""
_MAX_TOKEN_LENGTH: Final = 4096


@before_request
async def require_principal(request: ApiRequest) -> None:
    """Authenticate the request, and limit the identity's, before the body is read.

    Raises:
        Unauthenticated: The access token is missing or invalid.
        TooManyRequests: The identity sends too many requests.
        StorageError, Unavailable: Or the error that the handler names instead.
    """
    try:
        principal = await authenticate(request)
    except (StorageError, Unavailable) as error:
        own_error: type[DomainError] | None = request.route_handler.opt.get(UNAVAILABLE_ERROR)
        if own_error is None:
            raise
        raise own_error from error.__cause__
    # Only valid tokens count: a session that was revoked cannot use up the identity's limit.
    request.request_limits.acquire_for_identity(principal.identity.id)
    request.scope["auth"] = principal


def authenticate(request: ApiRequest) -> Awaitable[Principal]:
    """Return the principal of the access token.

    Raises:
        NoAccessToken, Unauthenticated: The access token is missing, or invalid.
        StorageError
    """
    sent = headers_of(request.scope).get(b"authorization", (b"",))[-1]
    scheme, _, token = sent.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise NoAccessToken
    if len(token) > _MAX_TOKEN_LENGTH:
        raise Unauthenticated
    return request.use_cases.authenticate(token)


@before_request
async def limit_by_ip(request: ApiRequest) -> None:
    """Limit a path that needs no access token, before the body is read.

    Raises:
        TooManyRequests
    """
    request.request_limits.acquire_for_ip(request.client_ip)
