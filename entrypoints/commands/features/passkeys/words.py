"""Passkeys in words, for `dialtone`."""

from domain.identities.passkey import Passkey
from entrypoints.words.user_words import format_time


def describe_passkey(passkey: Passkey) -> str:
    """Return a line: name, id and times."""
    used = f"used {format_time(passkey.last_used_at)}" if passkey.last_used_at else "not used yet"
    return f"{passkey.name} ({passkey.id}), added {format_time(passkey.created_at)}, {used}"
