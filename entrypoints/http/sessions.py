"""Sessions, main family: keeping, showing and ending them."""

from typing import Any, Final

from litestar import Controller, Request, delete, get, post
from litestar.di import Provide
from litestar.params import JSONBody

from application.identities.sessions import Scope
from application.principal import Principal
from domain import errors
from domain.errors import InvalidValue, Unauthenticated
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from entrypoints.http.authentication import caller_of, provide_caller, requires_caller
from entrypoints.http.dependencies import Cases, SignedInCaller
from entrypoints.http.documented import BEARER, body_refusals, refused_with
from entrypoints.http.field_parsing import parse_field
from entrypoints.http.json_bodies import JsonBody
from entrypoints.http.parameters import SessionId
from entrypoints.http.session_schemas import (
    LogoutBody,
    RefreshBody,
    SessionsShown,
    TokensRefreshed,
    show_refreshed,
    show_session,
)
from entrypoints.http.sign_out_operation import SignOutOperation

SCOPES: Final = "Send 'this', 'others' or 'all', or leave it out."


class SessionsController(Controller):
    """What a sign-in leaves behind, until it is ended."""

    path = "/auth"
    tags = ["Sessions"]

    @post(
        "/refresh",
        operation_id="refreshTokens",
        summary="Trade a refresh token for the next pair",
        response_description="The next pair.",
        status_code=200,
        dto=JsonBody[RefreshBody],
        return_dto=None,
        responses=refused_with(
            *body_refusals("refresh_token"), errors.InvalidRefreshToken, errors.Unavailable
        ),
    )
    async def refresh(self, data: JSONBody[RefreshBody], use_cases: Cases) -> TokensRefreshed:
        """Trade the latest refresh token for a new pair.

        A client that lost the answer may send the same one again within ten seconds and gets the
        same successor. Sent later, or when its successor was traded already, it ends the session:
        somebody else may hold it.
        """
        token = _read(data.refresh_token)
        if token is None:
            raise errors.InvalidRefreshToken
        return show_refreshed(await use_cases.refresh_session(token))

    @post(
        "/logout",
        operation_id="logout",
        summary="Sign out",
        response_description="The sessions that were meant have ended.",
        status_code=204,
        dto=JsonBody[LogoutBody],
        return_dto=None,
        operation_class=SignOutOperation,
        security=[*BEARER, {}],
        responses=refused_with(
            *body_refusals("scope", SCOPES), Unauthenticated, errors.Unavailable
        ),
    )
    async def logout(
        self,
        request: Request[Any, Any, Any],
        use_cases: Cases,
        data: JSONBody[LogoutBody | None] = None,
    ) -> None:
        """End sessions; their tokens stop at once. The body may be empty.

        The session that is meant is that of the access token, or that of a refresh token in the
        body. A refresh token that counts no more ends nothing, and is no error.
        """
        by = await _who_signs_out(request, data)
        scope = parse_field("scope", lambda: _scope(data.scope if data else None))
        if by is not None:
            await use_cases.logout(by, scope)

    @get(
        "/sessions",
        operation_id="listSessions",
        summary="Where the caller is signed in",
        response_description="The sessions.",
        guards=[requires_caller],
        dependencies={"principal": Provide(provide_caller, sync_to_thread=False)},
        security=BEARER,
        responses=refused_with(Unauthenticated, errors.Unavailable),
    )
    async def list_sessions(self, use_cases: Cases, principal: SignedInCaller) -> SessionsShown:
        """Show the caller's sessions, the latest used first."""
        shown = await use_cases.list_sessions(principal)
        return SessionsShown(sessions=[show_session(one) for one in shown])

    @delete(
        "/sessions/{session_id:str}",
        operation_id="endSession",
        summary="End one of the caller's sessions",
        response_description="It has ended.",
        guards=[requires_caller],
        dependencies={"principal": Provide(provide_caller, sync_to_thread=False)},
        security=BEARER,
        responses=refused_with(Unauthenticated, errors.SessionNotFound, errors.Unavailable),
    )
    async def revoke_session(
        self, session_id: SessionId, use_cases: Cases, principal: SignedInCaller
    ) -> None:
        """End a session of the caller's, this one or another; its tokens stop at once."""
        await use_cases.revoke_session(principal, session_id)


def _scope(text: str | None) -> Scope:
    try:
        return Scope(text or Scope.THIS)
    except ValueError:
        raise InvalidValue(SCOPES) from None


async def _who_signs_out(
    request: Request[Any, Any, Any], data: LogoutBody | None
) -> Principal | RefreshToken | None:
    if data is not None and data.refresh_token is not None:
        return _read(data.refresh_token)
    return await caller_of(request)


def _read(text: str) -> RefreshToken | None:
    try:
        return parse_refresh_token(text)
    except InvalidValue:
        return None
