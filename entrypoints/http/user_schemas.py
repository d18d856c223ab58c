"""Users as they are sent and shown."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from application.principal import Principal
from domain.errors import UserNotFound
from domain.identities.identity import Identity
from domain.identities.username import MAX_INPUT_LENGTH
from entrypoints.http.sign_in_schemas import PhoneText, described
from entrypoints.http.times import iso

UserIdText = Annotated[
    str, Meta(description="24 hex digits.", examples=["6561a2b0c3d4e5f60718293a"])
]
UsernameText = Annotated[
    str,
    described(
        "2 to 64 characters; spaces at the ends are dropped, inner ones collapsed.",
        "Rahul Sharma",
        # What counts is the composed form (NFC), of which no pattern can tell.
        format="username",
        max_length=MAX_INPUT_LENGTH,
    ),
]

AdminFlag = Annotated[
    bool, Meta(description="Whether the user is an administrator.", examples=[False])
]


class UserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The user that the caller wants to be."""

    username: UsernameText
    number: PhoneText
    admin: Annotated[
        Any,
        Meta(description="Ignored: nobody becomes an administrator by asking.", examples=[False]),
    ] = None


class RenameBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Another name."""

    username: UsernameText


class UserCreated(msgspec.Struct, kw_only=True):
    """The user is there, now or since before."""

    message: Annotated[
        str, Meta(description="What became of the request.", examples=["User created"])
    ] = "User created"
    user_id: UserIdText
    admin: AdminFlag


class UserShown(msgspec.Struct, kw_only=True):
    """A user; the number of another person is masked unless an administrator asks."""

    id: UserIdText = msgspec.field(name="_id")
    username: UsernameText
    number: Annotated[
        str,
        Meta(
            description="In full, or the country code's first digits and the last two.",
            examples=["+14155552671", "+1********71"],
        ),
    ]
    created_on: Annotated[
        str, Meta(description="ISO 8601, UTC.", examples=["2026-05-01T09:30:00.000Z"])
    ]
    admin: AdminFlag


def show_user(identity: Identity, principal: Principal) -> UserShown:
    """Show a user to the caller; raises UserNotFound for an identity that has become none."""
    if identity.user is None or identity.phone is None:
        raise UserNotFound
    in_full = identity.id == principal.identity.id or principal.identity.is_administrator
    return UserShown(
        id=identity.id,
        username=identity.user.username.text,
        number=identity.phone.e164 if in_full else identity.phone.masked,
        created_on=iso(identity.user.created_at),
        admin=identity.is_administrator,
    )
