"""The jobs on keys and what is encrypted with them, which run without the service.

An adapter's package is imported only if the settings name it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapters.records.phone_keys import ReportProgress
from adapters.records.undeclared_records import check_declared
from application.ports.keys import KeyPurpose
from domain.identities.phone_change import UNDO_PERIOD
from domain.identities.session import SessionLimits
from entrypoints.opening.database import open_database
from entrypoints.opening.keys import load_keys, make_phone_encryption
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.keys.document import KeysByPurpose
    from adapters.keys.rotation import RotatedKeys


def rotate_keys(settings: Settings, delay: timedelta) -> "tuple[RotatedKeys, ...]":
    """Add new keys to the secrets file; they are used after the delay.

    Raises:
        StartupError: the file cannot be used or replaced, or the last rotation was too recent.
    """
    from adapters.keys.rotation import rotate_secrets_file
    from adapters.system import SystemClock

    _check_keys_in_file(settings)
    with name_variable("DIALTONE_SECRETS_FILE"):
        return rotate_secrets_file(
            settings.secrets_file, SystemClock().now(), key_lifetimes(settings), delay=delay
        )


def describe_keys(keys: "KeysByPurpose", settings: Settings, now: datetime) -> Sequence[str]:
    """Return a line for each key, newest first: its purpose, id, time and state."""
    from adapters.keys.keys import select_current_key
    from adapters.keys.rotation import count_keys_to_keep

    lifetimes, lines = key_lifetimes(settings), []
    width = max(map(len, keys))
    for purpose, keys_of_purpose in keys.items():
        current, kept = select_current_key(keys_of_purpose, now), len(keys_of_purpose)
        if purpose in lifetimes:
            kept = count_keys_to_keep(keys_of_purpose, now, lifetimes[purpose])
        for position, key in enumerate(keys_of_purpose):
            if key is current:
                state = "in use"
            elif position >= kept:
                state = "no longer needed"
            else:
                state = "accepted" if key.not_before <= now else "accepted, not in use yet"
            not_before = f"{key.not_before.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            lines.append(f"{purpose:<{width}}  {key.id}  {not_before}  {state}")
    return lines


def key_lifetimes(settings: Settings) -> "dict[KeyPurpose, timedelta]":
    """Return the maximum lifetime of the existing tokens and codes of each purpose."""
    # The settings may have been longer, as long as the default, when tokens were issued.
    plain = max(settings.plain_token_ttl, SessionLimits().plain_token_ttl)
    return {
        KeyPurpose.SIGNING: plain,
        KeyPurpose.REFRESH: max(plain, settings.session_idle_timeout),
        # Undo codes live longer than all others.
        KeyPurpose.OTP_PEPPER: UNDO_PERIOD,
    }


async def reencrypt_phones(
    settings: Settings, report: ReportProgress
) -> tuple[int, tuple[str, ...]]:
    """Encrypt all stored phones with the current key. After a kill the next call goes on.

    Args:
        settings: Name keys and database.
        report: Is told how far the job is.

    Returns:
        How many were encrypted again, and the ids of the keys that no record uses anymore.

    Raises:
        StartupError: keys or database cannot be used.
        StorageError
    """
    from adapters.records import phone_keys
    from adapters.system import SystemClock

    clock = SystemClock()
    keys = load_keys(settings, clock)
    key_set = keys.key_set(KeyPurpose.PHONE_ENCRYPTION)
    # Before the job: a key that becomes active meanwhile is used by the records after it only.
    current, now = key_set.signing(), clock.now()
    encryption = make_phone_encryption(keys)
    count = 0
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        async with open_database(settings, encryption) as database:
            await check_declared(database.records)
            # The last time nothing is found: then no service has written an old one meanwhile.
            while found := await phone_keys.reencrypt_phones(database.records, encryption, report):
                count += found
    older = (key for key in key_set.accepted() if key.not_before <= now and key.id != current.id)
    return count, tuple(key.id for key in older if key.not_before < current.not_before)


def _check_keys_in_file(settings: Settings) -> None:
    if settings.secrets.value:
        raise StartupError(
            "DIALTONE_SECRETS: no command can change an environment variable. Write its value to "
            "a file (mode 600), run this command with DIALTONE_SECRETS_FILE=FILE instead of "
            "DIALTONE_SECRETS, set DIALTONE_SECRETS to the new text of the file, and restart all "
            "instances. See docs/key_rotation.md."
        )
