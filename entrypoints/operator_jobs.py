"""The operators' jobs on keys and databases, which run without the service.

An adapter's package is imported only if the settings name it.
"""

import shlex
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.records.phone_encryption import PhoneEncryption
from application.ports.keys import Key
from domain.otp.challenge import OTP_TTL
from entrypoints.bootstrap import find_key_fingerprint, load_keys, name_variable
from entrypoints.keys import max_token_lifetimes
from entrypoints.settings import Settings
from entrypoints.settings.values import Factory, MediaFolder, MongoDatabase, SqliteDatabase
from entrypoints.startup_error import StartupError

if TYPE_CHECKING:
    from adapters.key_file import RotatedKeys
    from adapters.sqlite import DatabaseCopy

_NOT_FOR_FACTORIES: Final = (
    "DIALTONE_DATABASE: this command works with sqlite:/// and mongodb:// only. A database adapter "
    "of your own needs its own job."
)
_DUMP: Final = 'mongodump --uri="$DIALTONE_DATABASE" --gzip --archive={file}'
_LOAD_DUMP: Final = 'mongorestore --uri="$DIALTONE_DATABASE" --drop --gzip --archive={file}'


def rotate_keys(settings: Settings, delay: timedelta) -> "tuple[RotatedKeys, ...]":
    """Add new keys to the secrets file; they are used after the delay.

    Raises:
        StartupError: the file cannot be used or replaced, or the last rotation was too recent.
    """
    from adapters.key_file import KeyPurpose, rotate_secrets_file
    from adapters.system import SystemClock

    _check_keys_in_file(settings)
    tokens = max_token_lifetimes(settings)
    lifetimes = {
        KeyPurpose.SIGNING: max(tokens.plain, tokens.access),
        KeyPurpose.REFRESH: max(tokens.refresh, tokens.plain),
        KeyPurpose.OTP_PEPPER: OTP_TTL,
    }
    with name_variable("DIALTONE_SECRETS_FILE"):
        return rotate_secrets_file(
            settings.secrets_file, SystemClock().now(), lifetimes, delay=delay
        )


async def reencrypt_phones(settings: Settings) -> tuple[int, tuple[str, ...]]:
    """Encrypt all stored phones with the current key.

    Returns:
        How many were encrypted again, and the ids of the keys that no record uses anymore.

    Raises:
        StartupError: keys or database cannot be used.
        StorageError
    """
    from adapters.encryption import AesPhoneEncryption
    from adapters.key_file import KeyPurpose
    from adapters.system import SystemClock, SystemRandomness

    clock = SystemClock()
    keys = load_keys(settings, clock)
    (index_key,) = keys.current()[KeyPurpose.PHONE_INDEX]
    key_set = keys.key_set(KeyPurpose.PHONE_ENCRYPTION)
    # Before the job: a key that becomes active meanwhile is used by the records after it only.
    current, now = key_set.signing(), clock.now()
    encryption = AesPhoneEncryption(index_key.key, key_set, SystemRandomness())
    with name_variable("DIALTONE_DATABASE"):
        count = 0
        while found := await _reencrypt_phones(settings, encryption):
            count += found
    older = (key for key in key_set.accepted() if key.not_before <= now and key.id != current.id)
    return count, tuple(key.id for key in older if key.not_before < current.not_before)


async def rotate_index_key(settings: Settings) -> tuple[str, int]:
    """Change the index key, or continue a change that was interrupted. No service may run.

    Returns:
        The id of the new key, and the number of phone verifications that are kept.

    Raises:
        StartupError: a service runs, or keys or database cannot be used.
    """
    from adapters.encryption import AesPhoneEncryption
    from adapters.key_file import (
        KeyPurpose,
        UnchangingKeys,
        begin_index_key_change,
        finish_index_key_change,
        load_secrets_file,
    )
    from adapters.system import SystemClock, SystemRandomness

    _check_keys_in_file(settings)
    clock, path = SystemClock(), settings.secrets_file
    now = clock.now()

    with name_variable("DIALTONE_SECRETS_FILE"):
        keys = load_secrets_file(path, max_index_keys=2).keys
    encryption_keys = UnchangingKeys(keys, clock).key_set(KeyPurpose.PHONE_ENCRYPTION)

    def encryption_with(index_key: Key) -> PhoneEncryption:
        return AesPhoneEncryption(index_key.key, encryption_keys, SystemRandomness())

    if len(keys[KeyPurpose.PHONE_INDEX]) == 1:
        # Before the file is changed: no service would start with it anymore.
        (current_key,) = keys[KeyPurpose.PHONE_INDEX]
        with name_variable("DIALTONE_DATABASE"):
            await _check_unused(settings, encryption_with(current_key), now)
    with name_variable("DIALTONE_SECRETS_FILE"):
        new_key, old_key = begin_index_key_change(path, now)
    with name_variable("DIALTONE_DATABASE"):
        kept = await _change_index_key(
            settings, encryption_with(old_key), encryption_with(new_key), now
        )
    with name_variable("DIALTONE_SECRETS_FILE"):
        finish_index_key_change(path)
    return new_key.id, kept


def generate_keys(path: Path) -> None:
    """Create a secrets file with new keys.

    Raises:
        ConfigurationError: the file exists already, or cannot be created.
    """
    from adapters.key_file import generate_secrets_file

    generate_secrets_file(path)


def render_new_keys() -> str:
    """Return new keys as one line."""
    from adapters.key_file import generate_document

    return generate_document(indent=None).rstrip()


def back_up_database(
    settings: Settings, target: Path, *, replace: bool, full_check: bool = False
) -> "DatabaseCopy":
    """Copy the database to a file, while services may run.

    Raises:
        ConfigurationError: no backup was written.
        StartupError: the database is not SQLite.
    """
    from adapters.sqlite import back_up

    path = _sqlite_path(settings, _DUMP, target)
    return back_up(path, target, replace=replace, full_check=full_check)


def restore_database(
    settings: Settings, backup: Path, *, full_check: bool = False
) -> "tuple[DatabaseCopy, bool]":
    """Replace the database by a backup. No service may run.

    Returns:
        The restored database, and whether the keys of the settings are those that it needs.

    Raises:
        ConfigurationError: the database is unchanged.
        StartupError: the database is not SQLite.
    """
    from adapters.sqlite import restore
    from adapters.system import SystemClock

    path = _sqlite_path(settings, _LOAD_DUMP, backup)
    restored = restore(path, backup, SystemClock().now(), full_check=full_check)
    return restored, find_key_fingerprint(settings) == restored.key_fingerprint


def is_database_lost(settings: Settings) -> bool:
    """Return whether an empty SQLite database has a media folder with files: a copy that failed."""
    if not isinstance(settings.database, SqliteDatabase):
        return False
    if not isinstance(settings.media, MediaFolder):
        return False
    from adapters.disk import has_files
    from adapters.sqlite import has_identities

    return has_files(settings.media.path) and not has_identities(settings.database.path)


def _check_keys_in_file(settings: Settings) -> None:
    if settings.secrets.value:
        raise StartupError(
            "DIALTONE_SECRETS: no command can change an environment variable. Write its value to "
            "a file (mode 600), run this command with DIALTONE_SECRETS_FILE=FILE instead of "
            "DIALTONE_SECRETS, set DIALTONE_SECRETS to the new text of the file, and restart all "
            "instances. See docs/keys.md."
        )


def _sqlite_path(settings: Settings, command: str, file: Path) -> Path:
    match settings.database:
        case SqliteDatabase(path=path):
            return path
        case MongoDatabase():
            raise StartupError(
                "DIALTONE_DATABASE: this command works with sqlite:/// only. MongoDB has its own: "
                f"{command.format(file=shlex.quote(str(file)))}"
            )
        case Factory():
            raise StartupError(
                "DIALTONE_DATABASE: this command works with sqlite:/// only. Back up a database "
                "of your own adapter with its own tools."
            )


async def _reencrypt_phones(settings: Settings, encryption: PhoneEncryption) -> int:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import reencrypt_phones as reencrypt_in_sqlite

            return await reencrypt_in_sqlite(path, encryption)
        case MongoDatabase(url=url):
            from adapters.mongo import reencrypt_phones as reencrypt_in_mongo

            return await reencrypt_in_mongo(url, encryption)
        case Factory():
            raise StartupError(_NOT_FOR_FACTORIES)


async def _check_unused(settings: Settings, encryption: PhoneEncryption, now: datetime) -> None:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import check_unused as check_sqlite_unused

            check_sqlite_unused(path, encryption)
        case MongoDatabase(url=url):
            from adapters.mongo import check_unused as check_mongo_unused

            await check_mongo_unused(url, encryption, now)
        case Factory():
            raise StartupError(_NOT_FOR_FACTORIES)


async def _change_index_key(
    settings: Settings, old: PhoneEncryption, new: PhoneEncryption, now: datetime
) -> int:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import change_index_key as change_in_sqlite

            return change_in_sqlite(path, old, new)
        case MongoDatabase(url=url):
            from adapters.mongo import change_index_key as change_in_mongo

            return await change_in_mongo(url, old, new, now)
        case Factory():
            raise StartupError(_NOT_FOR_FACTORIES)
