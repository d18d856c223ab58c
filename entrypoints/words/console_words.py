"""Browsers of staff in words, for `dialtone` and the web console."""

from collections.abc import Sequence

from application.administration.show_user import UserDetails
from application.console.devices import ConsoleDetails
from entrypoints.words.user_rows import UserRow, UserRowPlace
from entrypoints.words.user_words import describe_devices


def console_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return which browsers the console recognizes, if it is staff."""
    shown = details.parts.find(ConsoleDetails)
    if shown is None:
        return ()
    described = describe_devices([device.expires_at for device in shown.devices])
    return [UserRow(place=UserRowPlace.DEVICES, label="console browsers", value=described)]
