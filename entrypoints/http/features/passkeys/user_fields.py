"""What the details of a user say about passkeys."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.passkeys.feature import PasskeyDetails
from entrypoints.http.administration.user_details import UserFields, to_struct
from entrypoints.http.fields import described, time_field


class PasskeyResponse(msgspec.Struct, kw_only=True):
    """A passkey of somebody of the staff."""

    id: Annotated[str, described("Its short id.", "9f86d081884c7d65")]
    name: Annotated[str, described("The name that its owner chose.", "laptop")]
    created_at: Annotated[str, time_field("When it was added.")]
    last_used_at: Annotated[
        str | None, time_field("When it signed in last; null if it did not yet.")
    ]


class PasskeyFields(UserFields, kw_only=True):
    """The passkeys of somebody of the staff."""

    passkeys: Annotated[
        list[PasskeyResponse],
        described("The passkeys with which somebody of the staff signs in to the web console."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.parts.find(PasskeyDetails)
        passkeys = shown.passkeys if shown else ()
        return cls(passkeys=[to_struct(passkey, PasskeyResponse) for passkey in passkeys])
