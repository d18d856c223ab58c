"""What the details of a user say about passkeys."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import msgspec

from application.administration.show_user import UserDetails
from domain.administration.scopes import Scope
from domain.identities.passkey import Passkey
from entrypoints.http.administration.user_details import UserFields, to_struct
from entrypoints.http.fields import described, time_field


class PasskeyResponse(msgspec.Struct, kw_only=True):
    """A passkey of a user."""

    id: Annotated[str, described("Its short id.", "9f86d081884c7d65")]
    name: Annotated[str, described("The name that its owner chose.", "laptop")]
    created_at: Annotated[str, time_field("When it was added.")]
    last_used_at: Annotated[
        str | None, time_field("When it signed in last; null if it did not yet.")
    ]


class PasskeyFields(UserFields, kw_only=True):
    """The passkeys of a user for the app."""

    passkeys: Annotated[
        list[PasskeyResponse], described("The passkeys with which the user signs in to the app.")
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        identity = details.user.identity
        return cls(passkeys=to_responses(identity.app_passkeys if identity else ()))


class StaffPasskeyFields(UserFields, kw_only=True):
    """The passkeys of somebody of the staff for the console."""

    scope: ClassVar = Scope.CHANGE_ROLES

    staff_passkeys: Annotated[
        list[PasskeyResponse] | msgspec.UnsetType,
        described(
            "The passkeys with which somebody of the staff signs in to the web console. Absent"
            " without the scope `users:role`."
        ),
    ] = msgspec.UNSET

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        identity = details.user.identity
        return cls(staff_passkeys=to_responses(identity.staff_passkeys if identity else ()))


def to_responses(passkeys: Sequence[Passkey]) -> list[PasskeyResponse]:
    """Convert passkeys."""
    return [to_struct(passkey, PasskeyResponse) for passkey in passkeys]
