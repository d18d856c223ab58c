"""Browsers of staff in words, for `dialtone` and the web console."""

from collections.abc import Sequence

from application.administration.show_user import UserDetails
from entrypoints.words.user_rows import UserRow, UserRowPlace
from entrypoints.words.user_words import describe_devices


def console_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return which browsers the console recognizes, if it is staff."""
    identity = details.user.identity
    if identity is None or identity.is_deleted or not identity.is_staff:
        return ()
    described = describe_devices(details.console_devices)
    return [UserRow(place=UserRowPlace.DEVICES, label="console browsers", value=described)]
