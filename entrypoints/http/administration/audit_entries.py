"""The entries of the audit, as the API and `dialtone audit --json` show them."""

from typing import Annotated, Final

import msgspec

from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.administration.scopes import STAFF_ROLES
from domain.identities.role import Role
from entrypoints.http.fields import (
    ID_DESCRIPTION,
    ITEM_ID_EXAMPLE,
    USER_ID_EXAMPLE,
    described,
    format_timestamp,
    time_field,
)

_ENTRY_ID_EXAMPLE: Final = "6561a2b3c3d4e5f60718293d"


class ActorResponse(msgspec.Struct, kw_only=True):
    """Who acted."""

    kind: Annotated[
        str,
        described(
            "Somebody of the staff (`administrator`, whatever the role), a user who changed the own"
            " phone or passkeys, a backend by a service token, or the operator of a command.",
            ActorKind.ADMINISTRATOR.value,
            enum=[kind.value for kind in ActorKind],
        ),
    ]
    id: Annotated[
        str,
        described(
            "The id of the account or of the service token. Of a command, what its `--as` says, or"
            " else the name of the operating system's user.",
            USER_ID_EXAMPLE,
        ),
    ]
    name: Annotated[
        str,
        described(
            "The name of the service token. Of a command, the operating system's user with its host"
            " if `id` is another name, and who became that user by sudo. Empty for others.",
            "help desk",
        ),
    ]
    role: Annotated[
        str | None,
        described(
            "The role of somebody of the staff at that time; null for others.",
            Role.SUPPORT.value,
            enum=[*(role.value for role in STAFF_ROLES), None],
        ),
    ]
    is_claim: Annotated[
        bool,
        described("Whether it is only claimed, as for a command.", False),
    ]


class AuditEntryResponse(msgspec.Struct, kw_only=True):
    """An entry of the audit. It was written before the act; only its count rises."""

    id: Annotated[str, described(ID_DESCRIPTION, _ENTRY_ID_EXAMPLE)]
    at: Annotated[str, time_field("When it was written, in UTC.")]
    actor: Annotated[ActorResponse, described("Who acted.")]
    action: Annotated[
        str,
        described(
            "What was done.",
            AuditAction.RESET_LIMITS.value,
            enum=[action.value for action in AuditAction],
        ),
    ]
    subject: Annotated[
        str,
        described(
            "To whom: the id of an account, the keyed hash of a phone, or the id of a service"
            " token; `users` for an act on many.",
            USER_ID_EXAMPLE,
        ),
    ]
    reason: Annotated[str, described("Why; empty if no reason was given.", "Ticket 4711")]
    item_id: Annotated[
        str | None,
        described("The item of the library that it was done to. Otherwise null.", ITEM_ID_EXAMPLE),
    ]
    error: Annotated[
        str | None,
        described(
            "In the second entry of an act that failed: the error. Otherwise null.",
            "too_many_resets",
        ),
    ]
    failed_entry_id: Annotated[
        str | None,
        described("In that entry: the id of the first one. Otherwise null.", _ENTRY_ID_EXAMPLE),
    ]
    role: Annotated[
        str | None,
        described(
            "Of `promote`, the role that was given. Otherwise null.",
            Role.SUPPORT.value,
            enum=[*(role.value for role in STAFF_ROLES), None],
        ),
    ]
    count: Annotated[
        int | None,
        described(
            "How many users a list has given so far: a backend or an administrator has one entry an"
            " hour, and each command its own. Otherwise null.",
            2_500,
        ),
    ]


def to_actor_response(actor: Actor) -> ActorResponse:
    """Convert who acted."""
    return ActorResponse(
        kind=actor.kind.value,
        id=actor.id,
        name=actor.name,
        role=actor.role,
        is_claim=actor.is_claim,
    )


def to_entry_response(entry: AuditEntry) -> AuditEntryResponse:
    """Convert an entry of the audit."""
    return AuditEntryResponse(
        id=entry.id,
        at=format_timestamp(entry.at),
        actor=to_actor_response(entry.actor),
        action=entry.action.value,
        subject=entry.subject,
        reason=entry.reason,
        item_id=entry.item_id,
        error=entry.error,
        failed_entry_id=entry.failed_entry_id,
        role=entry.role,
        count=entry.count,
    )
