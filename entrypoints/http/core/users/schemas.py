"""Parameters, request and response bodies of the user endpoints."""

from typing import Annotated, Any

import msgspec

from domain.access import can_act_for, visible_phone
from domain.errors import UserNotFound
from domain.identities.identity import Consent, Identity
from entrypoints.http.fields import (
    EXTERNAL_ID_EXAMPLE,
    CreatedAtField,
    PhoneField,
    UserIdField,
    UsernameField,
    described,
    format_timestamp,
    time_field,
)

AdminField = Annotated[bool, described("Whether the user is an administrator.", False)]


class CreateUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The user to create."""

    username: UsernameField
    number: PhoneField | None = None
    admin: Annotated[
        Any,
        described(
            "Ignored: a client cannot make an administrator.", False, type=["boolean", "null"]
        ),
    ] = None


class CreateUserResponse(msgspec.Struct, kw_only=True):
    """The user exists, created now or before."""

    message: Annotated[str, described("Always `User created`.", "User created")] = "User created"
    user_id: UserIdField
    admin: AdminField


class RenameUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new username."""

    username: UsernameField


class SpokenConsent(msgspec.Struct, kw_only=True):
    """What a caller agreed to on the phone. Nobody proved to be the owner of the number."""

    wording: Annotated[
        str,
        described(
            "The text that the caller heard.",
            "By staying on the line, you agree that we store your number.",
        ),
    ]
    language: Annotated[str, described("The language of the text (BCP 47).", "en-US")]
    given_at: Annotated[str, time_field("The time of the call, in UTC.")]


class UserResponse(msgspec.Struct, kw_only=True):
    """A user. Only the user and administrators see the full number, `admin` and `external_id`.

    Administrators see the number if they logged in within the last 15 minutes.
    """

    id: UserIdField = msgspec.field(name="_id")
    username: UsernameField
    number: Annotated[
        str,
        described(
            "The full number, or its country code and last two digits.",
            "+14155552671",
            "+1********71",
        ),
    ]
    created_on: CreatedAtField
    admin: AdminField | msgspec.UnsetType = msgspec.UNSET
    external_id: Annotated[
        str | msgspec.UnsetType,
        described(
            "What another system calls the user, if it does. Only the user and administrators see"
            " it.",
            EXTERNAL_ID_EXAMPLE,
        ),
    ] = msgspec.UNSET
    spoken_consent: Annotated[
        SpokenConsent | msgspec.UnsetType,
        described(
            "Only for the user itself, if somebody joined by phone with this number"
            " before the first login: let the user confirm it.",
            {
                "wording": "By staying on the line, you agree that we store your number.",
                "language": "en-US",
                "given_at": "2026-05-01T09:30:00.000Z",
            },
        ),
    ] = msgspec.UNSET


def to_user_response(
    identity: Identity, viewer: Identity, full_number: str | None = None
) -> UserResponse:
    """Convert a user; raises UserNotFound if the identity is not a user.

    `full_number` is that of somebody else, which is in the audit.
    """
    number = full_number or visible_phone(viewer, identity)
    if identity.user is None or number is None:
        raise UserNotFound
    may_see_all = can_act_for(viewer, identity.id)
    consent = identity.consent if identity.id == viewer.id else None
    return UserResponse(
        id=identity.id,
        username=identity.user.username.text,
        number=number,
        created_on=format_timestamp(identity.user.created_at),
        admin=identity.is_administrator if may_see_all else msgspec.UNSET,
        external_id=(identity.external_id if may_see_all else None) or msgspec.UNSET,
        spoken_consent=_to_spoken_consent(consent) if consent else msgspec.UNSET,
    )


def _to_spoken_consent(consent: Consent) -> SpokenConsent:
    return SpokenConsent(
        wording=consent.wording,
        language=consent.language,
        given_at=format_timestamp(consent.given_at),
    )
