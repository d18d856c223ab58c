"""Request and response bodies of what operators do for users."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final

import msgspec

from domain.administration.retained_data import RetainedData
from domain.administration.role_scopes import STAFF_ROLES
from domain.identities.role import Role
from entrypoints.http.administration.target import ReasonField, UserBody
from entrypoints.http.administration.user_details import SubjectField
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import (
    EXTERNAL_ID_DESCRIPTION,
    UsernameField,
    described,
    external_id_field,
    format_timestamp,
    time_field,
)


class RetainedDataResponse(msgspec.Struct, kw_only=True):
    """A kind of data that remains after the deletion."""

    data: Annotated[str, described("What remains.", "username")]
    reason: Annotated[
        str, described("Why it remains.", "nobody gets it before; after 30 days it is free")
    ]
    until: Annotated[
        str | None,
        time_field(
            "When it is deleted at the latest, in UTC; null if there is no such time.",
            "2026-07-30T09:30:00.000Z",
        ),
    ]


def to_retained_data(retained: Iterable[RetainedData]) -> list[RetainedDataResponse]:
    """Convert what remains."""
    return [
        RetainedDataResponse(
            data=kind.data,
            reason=kind.reason,
            until=format_timestamp(kind.until) if kind.until else None,
        )
        for kind in retained
    ]


NO_CHANGE: Final = FieldError(
    "username", FieldErrorCode.MISSING_FIELD, "Send one of username and external_id."
)
TWO_CHANGES: Final = FieldError(
    "username", FieldErrorCode.CONFLICTING_VALUE, "Send only one of username and external_id."
)
_ROLES: Final = [role.value for role in STAFF_ROLES]


class ChangeUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a user: exactly one of `username` and `external_id`."""

    also_in_example: ClassVar = ("external_id",)

    username: UsernameField | None = None
    external_id: Annotated[
        str | msgspec.UnsetType | None,
        external_id_field(f"{EXTERNAL_ID_DESCRIPTION} Null removes it."),
    ] = msgspec.UNSET
    reason: ReasonField = None


class PromoteBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the role that the user gets."""

    role: Annotated[
        str | None,
        described("The role. Without it, `administrator`.", Role.SUPPORT.value, enum=_ROLES),
    ] = None


class UserActionResponse(msgspec.Struct, kw_only=True):
    """The action was done."""

    message: Annotated[str, described("What was done.", "Phone blocked")]
    subject: SubjectField


class ResetLimitsResponse(msgspec.Struct, kw_only=True):
    """The limits were reset: one more message can be sent."""

    resets_left: Annotated[
        int, described("How often the limits of this phone can be reset again today.", 1)
    ]
    attempts: Annotated[int, described("How many attempts the next message brings.", 5)]


class SignOutUserResponse(msgspec.Struct, kw_only=True):
    """All sessions have ended."""

    sessions_ended: Annotated[int, described("How many there were.", 2)]


class DeleteUserResponse(msgspec.Struct, kw_only=True):
    """The account is deleted."""

    retained: Annotated[
        list[RetainedDataResponse], described("What remains, and until when at the latest.")
    ]
