"""What the details of a user say about the console."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.console.feature import ConsoleDetails
from entrypoints.http.administration.user_details import UserFields, to_struct
from entrypoints.http.fields import described, time_field


class ConsoleDeviceResponse(msgspec.Struct, kw_only=True):
    """A browser of an administrator that the web console recognizes."""

    expires_at: Annotated[
        str, time_field("Until when it is recognized.", "2026-07-30T09:30:00.000Z")
    ]


class ConsoleFields(UserFields, kw_only=True):
    """The browsers of an administrator."""

    console_devices: Annotated[
        list[ConsoleDeviceResponse],
        described("The browsers of an administrator that the web console recognizes."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.parts.find(ConsoleDetails)
        devices = shown.devices if shown else ()
        return cls(console_devices=[to_struct(each, ConsoleDeviceResponse) for each in devices])
