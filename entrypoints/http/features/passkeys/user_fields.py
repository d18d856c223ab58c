"""What the details of a user say about passkeys."""

from typing import Annotated, Self

from application.administration.show_user import UserDetails
from application.features.passkeys.feature import PasskeyDetails
from entrypoints.http.administration.user_details import PasskeyResponse, UserFields, to_struct
from entrypoints.http.fields import described


class PasskeyFields(UserFields, kw_only=True):
    """The passkeys of a user."""

    passkeys: Annotated[
        list[PasskeyResponse], described("The passkeys with which the user signs in to the app.")
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.parts.find(PasskeyDetails)
        passkeys = shown.passkeys if shown else ()
        return cls(passkeys=[to_struct(passkey, PasskeyResponse) for passkey in passkeys])
