"""The guard of every path that needs an access token."""

from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from application.principal import Principal
from domain.errors import DomainError, Unauthenticated, Unavailable

UNAVAILABLE: Final = "unavailable"
"""Handlers whose path has words of its own for a database that is away name that error
under this key of `opt`."""
_LONGEST_TOKEN: Final = 4096


async def requires_caller(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Refuse who shows no token that counts, before anything of the body is read."""
    try:
        connection.scope["auth"] = await caller_of(connection)
    except Unavailable as error:
        own_words: type[DomainError] | None = handler.opt.get(UNAVAILABLE)
        if own_words is None:
            raise
        raise own_words from error.__cause__


async def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """Give who shows the access token; raises Unauthenticated, Unavailable."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated
    principal: Principal = await connection.app.state.use_cases.authenticate(token)
    return principal


def provide_caller(request: Request[Any, Any, Any]) -> Principal:
    """Give who the guard let in."""
    principal: Principal = request.scope["auth"]
    return principal
