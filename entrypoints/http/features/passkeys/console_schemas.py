"""Request and response bodies of sessions of the console, and of passkeys of the staff."""

from typing import Annotated, Any

import msgspec

from domain.features.passkeys import MAX_NAME_LENGTH, TouchPurpose
from domain.identities.role import Role
from entrypoints.http.administration.target import UserBody
from entrypoints.http.features.passkeys.schemas import PasskeyOptionsResponse
from entrypoints.http.features.passkeys.user_fields import PasskeyResponse
from entrypoints.http.fields import UserIdField, described, time_field

CredentialField = Annotated[
    dict[str, Any],
    described("`toJSON()` of the credential of WebAuthn.", {"id": "AAECAw", "type": "public-key"}),
]
TouchField = Annotated[
    dict[str, Any] | None,
    described(
        "The answer of a passkey of the staff to the options of `POST /admin/session/touch`. It is"
        " used once.",
        {"id": "AAECAw", "type": "public-key"},
    ),
]


class ConsoleSignInBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the passkey answered."""

    credential: CredentialField
    replaces: Annotated[
        str | None,
        described(
            "The token that the page has. Its session ends at the same time, if it is of this"
            " browser.",
            "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl",
        ),
    ] = None


class ConsoleTokenResponse(msgspec.Struct, kw_only=True):
    """The token of a session of the console. Only the browser with its cookie can use it."""

    access_token: Annotated[
        str,
        described("For the paths below `/admin/` only.", "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"),
    ]
    expires_in: Annotated[int, described("Seconds until it ends at the latest.", 3600)]


class TouchBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be confirmed with a passkey."""

    purpose: Annotated[
        str,
        described(
            "What the passkey confirms.",
            TouchPurpose.ADD_PASSKEY.value,
            enum=[purpose.value for purpose in TouchPurpose],
        ),
    ]


class NewPasskeyBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a passkey may be added: by a link, or in a session."""

    secret: Annotated[
        str | None,
        described(
            "What the link has behind #. Without it a session of the console is needed.",
            f"6561a2b0c3d4e5f60718293a.{'0a' * 32}",
        ),
    ] = None


class AddStaffPasskeyBody(NewPasskeyBody, forbid_unknown_fields=True, kw_only=True):
    """The passkey that the device made. In a session, another passkey confirms it."""

    credential: CredentialField
    name: Annotated[
        str,
        described("What its owner calls it: one line.", "laptop", maxLength=MAX_NAME_LENGTH),
    ]
    touch: TouchField = None


class RemoveStaffPasskeyBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The confirmation."""

    touch: TouchField = None


class NewPasskeyOptionsResponse(PasskeyOptionsResponse, kw_only=True):
    """What the browser is asked, and for whom the passkey is."""

    username: Annotated[
        str | None, described("Who gets the passkey; null before a username.", "Rahul Sharma")
    ]
    role: Annotated[str, described("The role of this person.", Role.SUPPORT.value)]


class InviteBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """The user, the reason and the confirmation."""

    touch: TouchField = None


class InvitedResponse(msgspec.Struct, kw_only=True):
    """The link was made. Whoever has it gets into the console."""

    message: Annotated[str, described("What was done.", "The link is valid once.")]
    link: Annotated[
        str,
        described(
            "The link. Hand it over in person, or by a channel that you trust.",
            f"https://dialtone.example.org/console#6561a2b0c3d4e5f60718293a.{'0a' * 32}",
        ),
    ]


class ConsoleSessionResponse(msgspec.Struct, kw_only=True):
    """Who is signed in, and what this person may do."""

    user_id: UserIdField
    username: Annotated[str | None, described("Null before one was chosen.", "Rahul Sharma")]
    role: Annotated[str, described("The role.", Role.SUPPORT.value)]
    scopes: Annotated[list[str], described("What the role may do.", ["users:read"])]
    fresh_until: Annotated[str, time_field("Until when what is final is possible, in UTC.")]
    ends_at: Annotated[str, time_field("When it ends at the latest, in UTC.")]
    passkeys: Annotated[list[PasskeyResponse], described("The own passkeys for the console.")]


class ActField(msgspec.Struct, kw_only=True):
    """What an act needs beside the user and the reason."""

    name: str
    label: str
    explains: str
    default: str
    choices: list[str]


class Act(msgspec.Struct, kw_only=True):
    """An act for a user: what its form shows, and the path that it is sent to."""

    name: str
    path: str
    title: str
    explains: str
    fields: list[ActField]
    is_final: bool
    needs_fresh_login: bool


class ConsolePageSession(ConsoleSessionResponse, kw_only=True):
    """What the page of the same version gets in addition. It is not part of the API.

    `page` changes with the page: one that is older loads itself again.
    """

    page: str
    acts: list[Act]
