"""Request and response bodies of the session endpoints, and the fields of tokens."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody
from litestar.params import PathParameter
from msgspec import Meta

from application.identities.session_factory import Tokens
from application.identities.sessions import ListedSession, Scope
from entrypoints.http.fields import format_timestamp, parameter_schema, time_field

SessionIdParameter: TypeAlias = Annotated[
    str,
    PathParameter(
        description="The `id` of a session, as in the list of sessions.",
        schema_extra=parameter_schema(type="string", pattern="^[0-9a-f]{32}$"),
    ),
]
AccessTokenField = Annotated[
    str,
    Meta(
        description="Send it as `Authorization: Bearer <token>`.",
        examples=["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NTYxYTJiMCJ9.c2lnbmF0dXJl"],
    ),
]
RefreshTokenField = Annotated[
    str,
    Meta(
        description="Exchange it for the next pair of tokens. It can be used once; later reuse"
        " ends its session.",
        examples=["ZWGisMPU5fYHGCk6AAECAwQFBgcICQoLDA0ODwAAAAEAAQIDBAUGBwgJCgsMDQ4P"],
    ),
]
TokenTypeField = Annotated[str, Meta(description="Always `Bearer`.", examples=["Bearer"])]
ExpiresInField = Annotated[
    int,
    Meta(
        description="Seconds until the access token expires; earlier if its session ends.",
        examples=[900],
    ),
]
RefreshExpiresInField = Annotated[
    int,
    Meta(
        description="Seconds until the refresh token expires. The next one has its full life.",
        examples=[7776000],
    ),
]


class RefreshSessionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The latest refresh token."""

    refresh_token: Annotated[
        str,
        Meta(
            description="The refresh token of a login, or of the last refresh.",
            examples=["<the refresh_token of verify-otp>"],
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
        Meta(
            description="`this` session (the default), the `others`, or `all`.",
            examples=["all"],
            # Our own parser rejects other values, with a better message.
            extra_json_schema={"extra": {"enum": [*Scope, None]}},
        ),
    ] = None
    refresh_token: Annotated[
        str | None,
        Meta(
            description="Instead of an access token: identifies `this` session. A token that is"
            " no longer valid ends nothing and is not an error."
        ),
    ] = None


class SessionResponse(msgspec.Struct, kw_only=True):
    """A session: one sign-in on one device."""

    id: Annotated[
        str, Meta(description="32 hex digits.", examples=["5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b"])
    ]
    device: Annotated[
        str | None,
        Meta(
            description="The name that the app sent, or one from the `User-Agent` header.",
            examples=["Pixel 9"],
        ),
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
        str,
        time_field("The time when it ends unless it is refreshed.", "2026-07-30T09:30:00.000Z"),
    ]
    current: Annotated[
        bool, Meta(description="Whether it is the session of this request.", examples=[True])
    ]


class SessionListResponse(msgspec.Struct, kw_only=True):
    """The sessions of the caller."""

    sessions: Annotated[list[SessionResponse], Meta(description="The last used first.")]


@dataclass
class LogoutOperation(Operation):
    """Describes the body of logout as optional; Litestar would require it, or `null`."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=False,
            content={
                RequestEncodingType.JSON: OpenAPIMediaType(
                    schema=Reference("#/components/schemas/LogoutBody")
                )
            },
        )


def to_refresh_response(tokens: Tokens) -> RefreshSessionResponse:
    """Convert the tokens of a refreshed session."""
    return RefreshSessionResponse(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token or "",
        refresh_expires_in=tokens.refresh_expires_in or 0,
    )


def to_session_response(shown: ListedSession) -> SessionResponse:
    """Convert a session."""
    session = shown.session
    return SessionResponse(
        id=session.id,
        device=session.device,
        created=format_timestamp(session.created_at),
        last_used=format_timestamp(session.last_seen_at),
        expires=format_timestamp(session.ends_at),
        current=shown.is_current,
    )
