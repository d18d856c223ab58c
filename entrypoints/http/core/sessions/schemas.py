"""Request and response bodies of the session endpoints."""

from typing import Annotated, Final

import msgspec

from application.identities.sessions import LogoutScope
from domain.identities.session import Session
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
from entrypoints.http.requests.parameters import path_parameter

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
        last_used=format_timestamp(session.last_seen_at),
        expires=format_timestamp(session.ends_at),
        current=session.id == current_id,
    )
