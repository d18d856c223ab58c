"""What the details of a user say about passkeys of the staff."""

from typing import Annotated, Self

from application.administration.show_user import UserDetails
from application.features.staff_passkeys.feature import StaffPasskeyDetails
from entrypoints.http.administration.user_details import PasskeyResponse, UserFields, to_struct
from entrypoints.http.fields import described


class StaffPasskeyFields(UserFields, kw_only=True):
    """The passkeys of somebody of the staff."""

    console_passkeys: Annotated[
        list[PasskeyResponse],
        described("The passkeys with which somebody of the staff signs in to the web console."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.parts.find(StaffPasskeyDetails)
        passkeys = shown.passkeys if shown else ()
        return cls(console_passkeys=[to_struct(passkey, PasskeyResponse) for passkey in passkeys])
