"""Rotation: a new key in front of each list, and removal of keys that are no longer needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from adapters.security.keys.document import SecretsDocument, generate_entry, render_document
from adapters.security.keys.file import lock_for_replacing, replace_private_file
from adapters.security.keys.keys import RELOAD_INTERVAL, load_secrets_file
from application.ports.errors import ConfigurationError
from application.ports.keys import Key, KeyPurpose

ROTATED_PURPOSES: Final[Sequence[KeyPurpose]] = tuple(
    purpose for purpose in KeyPurpose if purpose is not KeyPurpose.PHONE_INDEX
)
"""All purposes but the index key, by which phone numbers are found."""
MIN_ROTATION_DELAY: Final = 2 * RELOAD_INTERVAL
"""An interval until all processes have loaded a new key, and one for differing clocks."""
RETENTION_MARGIN: Final = timedelta(days=7)
"""Time that a key is kept after the last token or code that it made has expired."""
Lifetimes: TypeAlias = Mapping[KeyPurpose, timedelta]
"""The maximum lifetime of the tokens or codes of each purpose that has one."""


@dataclass(frozen=True, slots=True)
class RotatedKeys:
    """The rotation of one list: its new key, and how many former keys were kept and removed."""

    purpose: KeyPurpose
    key_id: str
    not_before: datetime
    kept: int
    removed: int


def rotate_secrets_file(
    path: Path, now: datetime, lifetimes: Lifetimes, *, delay: timedelta = MIN_ROTATION_DELAY
) -> tuple[RotatedKeys, ...]:
    """Add new keys, and remove those that no valid token or code was made with.

    - A key of a purpose without a lifetime is never removed: only the database knows whether
      a record is encrypted with it.
    - A crash leaves the old file or the new one.
    - Of two concurrent rotations, one fails.

    `lifetimes` are the maximum ones of tokens or codes. `delay` is the time until the new keys
    become active; at least `MIN_ROTATION_DELAY`.
    """
    with lock_for_replacing(path):
        document = load_secrets_file(path)
        _check_all_keys_active(document, now)
        # The file stores whole seconds; rounding up keeps the delay complete.
        not_before = (now + max(delay, MIN_ROTATION_DELAY)).replace(microsecond=0)
        not_before += timedelta(seconds=1)
        members, rotated_keys = rotate_document(document, lifetimes, now, not_before)
        replace_private_file(path, render_document(members))
    return rotated_keys


def rotate_document(
    document: SecretsDocument, lifetimes: Lifetimes, now: datetime, not_before: datetime
) -> tuple[dict[str, Any], tuple[RotatedKeys, ...]]:
    """Return the rotated JSON members and a summary; all other members are unchanged."""
    members = dict(document.members)
    summary = []
    for purpose in ROTATED_PURPOSES:
        keys = document.keys[purpose]
        kept = len(keys)
        if purpose in lifetimes:
            kept = count_keys_to_keep(keys, now, lifetimes[purpose])
        entry = generate_entry(purpose, not_before)
        members[purpose] = [entry, *members[purpose][:kept]]
        summary.append(RotatedKeys(purpose, entry["id"], not_before, kept, len(keys) - kept))
    return members, tuple(summary)


def _check_all_keys_active(document: SecretsDocument, now: datetime) -> None:
    # Another rotation would do no harm, but two within a minute are a mistake.
    times = [key.not_before for purpose in ROTATED_PURPOSES for key in document.keys[purpose]]
    if (active_at := max(times)) > now:
        raise ConfigurationError(
            "The keys were rotated recently, and the new keys become active at "
            f"{active_at:%Y-%m-%dT%H:%M:%SZ}. Rotate again after that."
        )


def count_keys_to_keep(keys: Sequence[Key], now: datetime, lifetime: timedelta) -> int:
    """Count the keys, from the front, that something valid may have been made with.

    A key is in use until the `not_before` of any key in front of it.
    """
    since = now - lifetime - RETENTION_MARGIN
    used_until: datetime | None = None
    for position, key in enumerate(keys):
        if used_until is not None and used_until <= since:
            return position
        used_until = min(used_until or key.not_before, key.not_before)
    return len(keys)
