"""Passkeys in words, for `dialtone` and the web console."""

from collections.abc import Sequence

from application.administration.show_user import UserDetails
from application.passkeys.details import PasskeyDetails
from domain.identities.passkey import Passkey
from entrypoints.words.user_rows import UserRow, UserRowPlace
from entrypoints.words.user_words import format_time


def passkey_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return the passkeys of somebody of the staff."""
    shown = details.parts.find(PasskeyDetails)
    if shown is None:
        return ()
    items = [describe_passkey(passkey) for passkey in shown.passkeys]
    value = str(len(items)) if items else "none"
    return [UserRow(place=UserRowPlace.DEVICES, label="passkeys", value=value, items=items)]


def describe_passkey(passkey: Passkey) -> str:
    """Return a line: name, id and times."""
    used = f"used {format_time(passkey.last_used_at)}" if passkey.last_used_at else "not used yet"
    return f"{passkey.name} ({passkey.id}), added {format_time(passkey.created_at)}, {used}"
