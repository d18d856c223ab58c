"""Sessions and their tokens."""

from typing import Annotated, Final

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import JSONBody

from application.identities.sessions import LogoutScope
from application.identities.use_cases import IdentityUseCases
from application.principal import Principal
from domain import errors
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from domain.identities.session import Session
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import (
    AccessTokenField,
    ExpiresInField,
    RefreshExpiresInField,
    RefreshTokenField,
    TokenTypeField,
    described,
    format_timestamp,
    time_field,
)
from entrypoints.http.requests.auth import (
    BEARER,
    AuthenticationMiddleware,
    OptionalAuthenticationMiddleware,
    limit_by_ip,
)
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import path_parameter
from entrypoints.http.requests.parsing import parsing_field
from entrypoints.http.requests.request import ApiRequest

SessionIdParameter = Annotated[
    str,
    path_parameter("The `id` of a session, as in the list of sessions.", pattern="^[0-9a-f]{32}$"),
]


class RefreshSessionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The latest refresh token."""

    refresh_token: Annotated[
        str,
        described(
            "The refresh token of a login, or of the last refresh.",
            "<the refresh_token of verify-otp>",
        ),
    ]


class RefreshSessionResponse(msgspec.Struct, kw_only=True):
    """A new access token and the next refresh token."""

    access_token: AccessTokenField
    token_type: TokenTypeField = "Bearer"  # noqa: S105 - RFC 6750, not a secret
    expires_in: ExpiresInField
    refresh_token: RefreshTokenField
    refresh_expires_in: RefreshExpiresInField


class LogoutBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The sessions to end."""

    scope: Annotated[
        str | None,
        described(
            "`this` session (the default, also for an empty text), the `others`, or `all`.",
            "all",
            enum=[*LogoutScope, "", None],
        ),
    ] = None
    refresh_token: Annotated[
        str | None,
        described(
            "Instead of an access token: identifies `this` session. A token whose session is"
            " over ends nothing and is not an error."
        ),
    ] = None


class SessionResponse(msgspec.Struct, kw_only=True):
    """A session: one sign-in on one device."""

    id: Annotated[str, described("32 hex digits.", "5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b")]
    device: Annotated[
        str | None,
        described("The name that the app sent, or one from the `User-Agent` header.", "Pixel 9"),
    ]
    created: Annotated[str, time_field("The time of the sign-in.")]
    amr: Annotated[
        list[str] | None,
        described(
            "How the user signed in (RFC 8176): by a code (`otp`) or a `passkey`; null for an older"
            " session, of which it is not known.",
            ["otp"],
        ),
    ]
    last_used: Annotated[
        str,
        time_field(
            "The time of the last use, accurate to a day; exact for the last refresh.",
            "2026-05-03T18:00:00.000Z",
        ),
    ]
    expires: Annotated[
        str, time_field("The time when it ends unless it is refreshed.", "2026-07-30T09:30:00.000Z")
    ]
    current: Annotated[bool, described("Whether it is the session of this request.", True)]
    is_console: Annotated[
        bool, described("Whether it is one of the web console: the app may end it.", False)
    ]


class SessionListResponse(msgspec.Struct, kw_only=True):
    """The sessions of the user."""

    sessions: Annotated[list[SessionResponse], described("The last used first.")]


_LOGOUT_SCHEMA: Final = {"schema": {"$ref": "#/components/schemas/LogoutBody"}}
LOGOUT_BODY: Final = {"content": {"application/json": _LOGOUT_SCHEMA}, "required": False}
"""An optional body; Litestar would require it, or `null`."""


def to_session_response(session: Session, current_id: str) -> SessionResponse:
    """Convert a session; `current_id` is that of the session of the request."""
    return SessionResponse(
        id=session.id,
        device=session.device,
        created=format_timestamp(session.created_at),
        amr=[*session.amr] or None,
        last_used=format_timestamp(session.last_seen_at),
        expires=format_timestamp(session.ends_at),
        current=session.id == current_id,
        is_console=session.is_console,
    )


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
        data: JSONBody[RefreshSessionBody],
    ) -> RefreshSessionResponse:
        """Exchange the latest refresh token for a new access token and the next refresh token.

        A client that lost the response sends the same token again. Within ten seconds it gets the
        same next refresh token with a fresh access token. Later, while none of the new tokens was
        used, it gets another next refresh token, and the unused tokens are void.

        A refresh token that is void or older ends the session, because somebody else may have it.
        Keep only the latest tokens.
        """
        token = parse_refresh_token(data.refresh_token)
        tokens = await identities.refresh_session(token, request.client_ip)
        return msgspec.convert(tokens, RefreshSessionResponse, from_attributes=True)

    @post(
        "/logout",
        summary="Sign out",
        response_description="The sessions have ended.",
        status_code=204,
        middleware=[OptionalAuthenticationMiddleware],
        request_body=LOGOUT_BODY,
        security=[*BEARER, {}],
        errors=[FieldError("scope", FieldErrorCode.UNSUPPORTED_VALUE, _INVALID_SCOPE)],
    )
    async def logout(
        self,
        request: ApiRequest,
        identities: Injected[IdentityUseCases],
        data: JSONBody[LogoutBody | None] = None,
    ) -> None:
        """End sessions. Their tokens become invalid at once. The body may be empty.

        `this` is the session of the access token, or of the refresh token in the body. A refresh
        token of an ended session ends nothing, without an error. A void or older one ends only its
        own session.
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
    ) -> SessionListResponse:
        """List the user's sessions, the last used first."""
        sessions = await identities.list_sessions(request.principal)
        current_id = request.principal.session.id
        return SessionListResponse(
            sessions=[to_session_response(session, current_id) for session in sessions]
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
        session_id: SessionIdParameter,
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
