"""Bodies, responses and errors of what operators do for users."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec

from application.administration import acts
from application.identities.operators import JOINED_BY_CALL
from domain import errors
from domain.administration.role_scopes import STAFF_ROLES
from domain.identities.external_id import EXTERNAL_ID_PATTERN, MAX_EXTERNAL_ID_LENGTH
from domain.identities.role import Role
from entrypoints.http.administration.target import ReasonField, UserBody
from entrypoints.http.administration.user_acts import ActPath, ActResponse
from entrypoints.http.administration.user_details import (
    SESSION_ID_EXAMPLE,
    RetainedDataResponse,
    to_retained_data,
)
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import (
    EXTERNAL_ID_DESCRIPTION,
    EXTERNAL_ID_EXAMPLE,
    UsernameField,
    described,
    external_id_field,
)

TEXT_AND_TARGET: Final = FieldError(
    "text", FieldErrorCode.CONFLICTING_VALUE, "Send either a text, or what it is."
)


class SearchBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user: exactly one of `phone`, `username`, `id`, `external_id` and `text`."""

    text: Annotated[
        str | None,
        described(
            "What somebody typed: any of the others, with `external_id:` in front of an external"
            " id. For the page of the console, which shows all that it may mean.",
            "Rahul Sharma",
        ),
    ] = None


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


class ResetLimitsBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and how many resets the client has seen."""

    resets_left: Annotated[
        int | None,
        described(
            "The `verification.resets_left` that the client has shown. If it is another number now,"
            " nothing is done.",
            2,
        ),
    ] = None


class PromoteBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the role that the user gets."""

    role: Annotated[
        str | None,
        described("The role. Without it, `administrator`.", Role.SUPPORT.value, enum=_ROLES),
    ] = None


class RenameBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the username that the user gets."""

    new_username: UsernameField


class ExternalIdBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and what another system calls the user from now on."""

    new_external_id: Annotated[
        str | None,
        described(
            f"{EXTERNAL_ID_DESCRIPTION} Null or an empty text removes it.",
            EXTERNAL_ID_EXAMPLE,
            pattern=f"^$|{EXTERNAL_ID_PATTERN}",
            maxLength=MAX_EXTERNAL_ID_LENGTH,
        ),
    ]


class EndSessionBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the session that ends."""

    session_id: Annotated[str, described("Its id, as in the details.", SESSION_ID_EXAMPLE)]


class ResetLimitsResponse(ActResponse, kw_only=True):
    """The limits were reset: one more message can be sent."""

    resets_left: Annotated[
        int, described("How often the limits of this phone can be reset again today.", 1)
    ]
    attempts: Annotated[int, described("How many attempts the next message brings.", 5)]


class SignOutUserResponse(ActResponse, kw_only=True):
    """All sessions have ended."""

    sessions_ended: Annotated[int, described("How many there were.", 2)]


class DeleteUserResponse(ActResponse, kw_only=True):
    """The account is deleted."""

    retained: Annotated[
        list[RetainedDataResponse], described("What remains, and until when at the latest.")
    ]

    @classmethod
    def of(cls, message: str, results: Mapping[str, Any]) -> Self:
        return cls(message=message, retained=to_retained_data(results["retained"]))


_NOT_VERIFIED: Final = FieldError("phone", FieldErrorCode.INVALID_VALUE, JOINED_BY_CALL)
ACT_PATHS: Final[Mapping[str, ActPath]] = {
    acts.RESET_LIMITS.name: ActPath(
        operation_id="reset_limits",
        body=ResetLimitsBody,
        response=ResetLimitsResponse,
        errors=[errors.PhoneBlocked, errors.LimitsResetBefore, errors.TooManyResets],
    ),
    acts.SIGN_OUT.name: ActPath(operation_id="sign_out_user", response=SignOutUserResponse),
    acts.END_SESSION.name: ActPath(
        operation_id="end_session", body=EndSessionBody, errors=[errors.SessionNotFound]
    ),
    acts.BLOCK.name: ActPath(operation_id="block_user"),
    acts.UNBLOCK.name: ActPath(operation_id="unblock_user"),
    acts.PROMOTE.name: ActPath(
        operation_id="promote_user", body=PromoteBody, errors=[_NOT_VERIFIED]
    ),
    acts.DEMOTE.name: ActPath(operation_id="demote_user"),
    acts.RENAME.name: ActPath(
        operation_id="rename_user", body=RenameBody, errors=[errors.UsernameInUse]
    ),
    acts.SET_EXTERNAL_ID.name: ActPath(
        operation_id="set_external_id", body=ExternalIdBody, errors=[errors.ExternalIdInUse]
    ),
    acts.DETACH.name: ActPath(operation_id="detach_user", errors=[errors.PhoneBlocked]),
    acts.DELETE.name: ActPath(operation_id="delete_user", response=DeleteUserResponse),
}
