"""Sessions: refresh, list and end them."""

from typing import Final

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import JSONBody

from application.identities.feature import IdentityUseCases
from application.identities.sessions import LogoutScope
from application.principal import Principal
from domain import errors
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from entrypoints.http.core.sessions import schemas
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.requests.auth import (
    BEARER,
    AuthenticationMiddleware,
    OptionalAuthenticationMiddleware,
    limit_by_ip,
)
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import parsing_field
from entrypoints.http.requests.request import ApiRequest

_INVALID_SCOPE: Final = "Send 'this', 'others' or 'all', or omit the field."


class SessionController(Controller):
    """The sessions of the user."""

    path = "/auth"
    tags = ["Sessions"]
    opt = {"tag_description": "Refresh, list and end sessions."}
    dependencies = {"identities": provide(lambda use_cases: use_cases.identities)}

    @post(
        "/refresh",
        summary="Exchange a refresh token for new tokens",
        response_description="The new tokens.",
        status_code=200,
        guards=[limit_by_ip],
        errors=[errors.InvalidRefreshToken],
    )
    async def refresh_session(
        self,
        request: ApiRequest,
        identities: Injected[IdentityUseCases],
        data: JSONBody[schemas.RefreshSessionBody],
    ) -> schemas.RefreshSessionResponse:
        """Exchange the latest refresh token for a new access token and the next refresh token.

        A client that lost the response sends the same token again. Within ten seconds it gets the
        same next refresh token with a fresh access token. Later, while none of the new tokens was
        used, it gets another next refresh token, and the unused tokens are void.

        A refresh token that is void or older ends the session, because somebody else may have it.
        Keep only the latest tokens.
        """
        token = parse_refresh_token(data.refresh_token)
        tokens = await identities.refresh_session(token, request.client_ip)
        return msgspec.convert(tokens, schemas.RefreshSessionResponse, from_attributes=True)

    @post(
        "/logout",
        summary="Sign out",
        response_description="The sessions have ended.",
        status_code=204,
        middleware=[OptionalAuthenticationMiddleware],
        request_body=schemas.LOGOUT_BODY,
        security=[*BEARER, {}],
        errors=[FieldError("scope", FieldErrorCode.UNSUPPORTED_VALUE, _INVALID_SCOPE)],
    )
    async def logout(
        self,
        request: ApiRequest,
        identities: Injected[IdentityUseCases],
        data: JSONBody[schemas.LogoutBody | None] = None,
    ) -> None:
        """End sessions. Their tokens become invalid at once. The body may be empty.

        `this` session is that of the access token, or that of the refresh token in the body. A
        refresh token whose session is over ends nothing and is not an error. One that is void or
        older ends its own session only.
        """
        by: Principal | RefreshToken | None
        if data is not None and data.refresh_token is not None:
            by = parse_refresh_token(data.refresh_token)
        else:
            by = _signed_in(request.scope["auth"])
        with parsing_field("scope"):
            scope = _parse_scope(data.scope if data else None)
        if by is not None:
            await identities.logout(by, scope)

    @get(
        "/sessions",
        summary="List the signed-in user's sessions",
        response_description="The sessions.",
        middleware=[AuthenticationMiddleware],
        security=BEARER,
    )
    async def list_sessions(
        self, request: ApiRequest, identities: Injected[IdentityUseCases]
    ) -> schemas.SessionListResponse:
        """List the user's sessions, the last used first."""
        sessions = await identities.list_sessions(request.principal)
        current_id = request.principal.session.id
        return schemas.SessionListResponse(
            sessions=[schemas.to_session_response(session, current_id) for session in sessions]
        )

    @delete(
        "/sessions/{session_id:str}",
        summary="End a session of the signed-in user",
        response_description="The session has ended.",
        middleware=[AuthenticationMiddleware],
        security=BEARER,
        errors=[errors.SessionNotFound],
    )
    async def revoke_session(
        self,
        request: ApiRequest,
        identities: Injected[IdentityUseCases],
        session_id: schemas.SessionIdParameter,
    ) -> None:
        """End a session of the user, this one or another. Its tokens become invalid at once."""
        await identities.revoke_session(request.principal, session_id)


def _signed_in(auth: Principal | errors.Unauthenticated) -> Principal:
    if isinstance(auth, errors.Unauthenticated):
        raise auth
    return auth


def _parse_scope(text: str | None) -> LogoutScope:
    try:
        return LogoutScope(text or LogoutScope.THIS)
    except ValueError:
        raise errors.UnsupportedValue(_INVALID_SCOPE) from None
