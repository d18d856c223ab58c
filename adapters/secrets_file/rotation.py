"""What the file holds after a rotation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.secrets_file.fresh import Entry, entry, fresh_key, fresh_signing_key
from adapters.secrets_file.secrets import Secrets
from adapters.secrets_file.watched import RELOAD_INTERVAL
from application.ports.key_ring import Key

SHORTEST_DELAY: Final = 2 * RELOAD_INTERVAL
"""One interval until every process has read a new key, and one for clocks that differ."""
MARGIN: Final = timedelta(days=7)
"""How much longer a key stays than what it made lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """The longest life of what the keys of each list make."""

    codes: timedelta
    access_tokens: timedelta
    refresh_tokens: timedelta


@dataclass(frozen=True, slots=True)
class RotatedList:
    """What became of a list: its new key, how many older ones stay, how many are gone."""

    name: str
    key_id: str
    signs_from: datetime
    kept: int
    dropped: int


def rotated(
    document: Mapping[str, Any], secrets: Secrets, lives: Lives, now: datetime, signs_from: datetime
) -> tuple[dict[str, Any], tuple[RotatedList, ...]]:
    """Put new keys in front of the old ones, and leave those out that count no more.

    `secrets` is what the document holds. Whatever else is in it stays as it is.
    """
    after, lists = dict(document), []
    for name, keys, make, life in (
        ("signing_keys", secrets.signing_keys, fresh_signing_key, lives.access_tokens),
        ("refresh_keys", secrets.refresh_keys, fresh_key, lives.refresh_tokens),
        ("otp_keys", secrets.otp_keys, fresh_key, lives.codes),
    ):
        kept = _how_many_count(keys, since=now - life - MARGIN)
        new = make(signs_from)
        after[name] = [new, *_entries(document, name, keys)[:kept]]
        lists.append(RotatedList(name, new["id"], signs_from, kept, len(keys) - kept))
    return after, tuple(lists)


def _how_many_count(keys: tuple[Key, ...], since: datetime) -> int:
    """Count the keys, from the front, that were used after that time.

    A key is used until the `not_before` of any that stands before it.
    """
    used_until: datetime | None = None
    for at, key in enumerate(keys):
        if used_until is not None and used_until <= since:
            return at
        used_until = min(used_until or key.not_before, key.not_before)
    return len(keys)


def _entries(document: Mapping[str, Any], name: str, keys: tuple[Key, ...]) -> list[Entry]:
    # A list that is not in the file was derived: written down, it counts after the rotation too.
    written: list[Entry] | None = document.get(name)
    return written or [entry(key.id, key.not_before, key.key) for key in keys]
