"""Sessions and their tokens, as they are sent and shown."""

from typing import Annotated

import msgspec
from msgspec import Meta

from application.identities.session_factory import Tokens
from application.identities.sessions import ListedSession, Scope
from entrypoints.http.times import iso

AccessTokenText = Annotated[
    str,
    Meta(
        description="Send it as `Authorization: Bearer <token>`.",
        examples=["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NTYxYTJiMCJ9.c2lnbmF0dXJl"],
    ),
]
RefreshTokenText = Annotated[
    str,
    Meta(
        description="Trade it for the next pair; each works once, and one that is traded again"
        " later ends its session.",
        examples=["ZWGisMPU5fYHGCk6AAECAwQFBgcICQoLDA0ODwAAAAEAAQIDBAUGBwgJCgsMDQ4P"],
    ),
]
TokenType = Annotated[str, Meta(description="Always `Bearer`.", examples=["Bearer"])]
AccessSeconds = Annotated[
    int, Meta(description="Seconds; it stops earlier when the session ends.", examples=[900])
]
RefreshSeconds = Annotated[
    int,
    Meta(description="Seconds; the next refresh token begins anew.", examples=[7776000]),
]


class RefreshBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The latest refresh token."""

    refresh_token: RefreshTokenText


class TokensRefreshed(msgspec.Struct, kw_only=True):
    """A fresh access token and the next refresh token."""

    access_token: AccessTokenText
    token_type: TokenType = "Bearer"  # noqa: S105 - RFC 6750, no secret
    expires_in: AccessSeconds
    refresh_token: RefreshTokenText
    refresh_expires_in: RefreshSeconds


class LogoutBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which sessions end, and whose."""

    scope: Annotated[
        str | None,
        Meta(
            description="`this`, which is also meant when left out, the `others`, or `all`.",
            examples=["all"],
            # Another value is refused by ours, which names the way out.
            extra_json_schema={"extra": {"enum": [*Scope, None]}},
        ),
    ] = None
    refresh_token: Annotated[
        str | None,
        Meta(
            description="In place of an access token: the session that is meant. One that counts"
            " no more ends nothing, and is no error.",
            examples=["ZWGisMPU5fYHGCk6AAECAwQFBgcICQoLDA0ODwAAAAEAAQIDBAUGBwgJCgsMDQ4P"],
        ),
    ] = None


class SessionShown(msgspec.Struct, kw_only=True):
    """One sign-in on one device."""

    id: Annotated[
        str, Meta(description="32 hex digits.", examples=["5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b"])
    ]
    device: Annotated[
        str | None,
        Meta(
            description="What the app called it, or what its request told of it.",
            examples=["Pixel 9"],
        ),
    ]
    created: Annotated[
        str, Meta(description="When it began.", examples=["2026-05-01T09:30:00.000Z"])
    ]
    last_used: Annotated[
        str,
        Meta(
            description="When it was last seen, to a day; exact for one that is refreshed.",
            examples=["2026-05-03T18:00:00.000Z"],
        ),
    ]
    expires: Annotated[
        str,
        Meta(
            description="When it ends unless it is refreshed.",
            examples=["2026-07-30T09:30:00.000Z"],
        ),
    ]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.", examples=[True])]


class SessionsShown(msgspec.Struct, kw_only=True):
    """Where the caller is signed in."""

    sessions: Annotated[list[SessionShown], Meta(description="The latest used first.")]


def show_refreshed(tokens: Tokens) -> TokensRefreshed:
    """Shape the pair that came of a refresh token."""
    return TokensRefreshed(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token or "",
        refresh_expires_in=tokens.refresh_expires_in or 0,
    )


def show_session(shown: ListedSession) -> SessionShown:
    """Shape one session."""
    session = shown.session
    return SessionShown(
        id=session.id,
        device=session.device,
        created=iso(session.created_at),
        last_used=iso(session.last_seen_at),
        expires=iso(session.expires_at),
        current=shown.is_current,
    )
