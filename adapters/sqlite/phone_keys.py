"""Jobs of an operator: store phones under the current encryption key, or another index key."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from adapters.sqlite.database import open_database
from adapters.sqlite.errors import is_busy, to_startup_error
from adapters.sqlite.mapping import (
    IdentityMapping,
    PhoneVerificationMapping,
    to_microseconds_or_none,
)
from adapters.sqlite.migrations import migrate
from adapters.sqlite.repositories import repositories_of
from application.ports.errors import ConfigurationError
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import encrypted_phone_of
from domain.phone import PhoneNumber

_BATCH_SIZE: Final = 200

_LIST_IDENTITIES: Final = """
SELECT version, schema_version, body FROM identities WHERE id > ? ORDER BY id LIMIT ?
"""
_LIST_ALL_IDENTITIES: Final = "SELECT version, schema_version, body FROM identities"
_LIST_BLOCKED: Final = """
SELECT phone_index, version, schema_version, body FROM phone_verifications
WHERE expires_at IS NULL AND json_extract(body, '$.encrypted_phone') IS NOT NULL
"""
_DELETE_RATE_LIMITS_WITH_HASHES: Final = """
DELETE FROM rate_limits
WHERE limit_name LIKE '%:network:%' OR limit_name LIKE '%:range:%' OR limit_name LIKE '%:phone:%'
"""
_COUNT_UNKNOWN_BLOCKS: Final = """
SELECT count(*) FROM phone_verifications
WHERE expires_at IS NULL AND json_extract(body, '$.encrypted_phone') IS NULL
    AND json_extract(body, '$.identity_id') IS NULL
"""
_LOAD: Final = "SELECT version, schema_version, body FROM phone_verifications WHERE phone_index = ?"
_MOVE: Final = """
UPDATE phone_verifications
SET phone_index = ?, version = version + 1, schema_version = max(schema_version, ?),
    expires_at = ?, client_ips_expire_at = ?, body = ?
WHERE phone_index = ?
"""


async def reencrypt_phones(path: Path, encryption: PhoneEncryption) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    Services may run. A record that one replaces meanwhile counts, and is left to the next call.

    Raises:
        ConfigurationError: the file cannot be used.
        StorageError
    """
    count, last_id = 0, ""
    identity_mapping = IdentityMapping(encryption)
    verification_mapping = PhoneVerificationMapping(encryption)
    async with open_database(path, encryption.key_fingerprint()) as database:
        repositories = repositories_of(database, encryption)
        while rows := await database.fetch_all(_LIST_IDENTITIES, (last_id, _BATCH_SIZE)):
            for row in rows:
                loaded = identity_mapping.decode(*row)
                identity, stored = loaded.value, encrypted_phone_of(loaded.version)
                last_id = identity.id
                if identity.phone and encryption.encrypt(identity.phone, last_id, stored) != stored:
                    count += 1
                    await repositories.identities.replace(identity, loaded.version)
        for phone_index, *record in await database.fetch_all(_LIST_BLOCKED):
            verification = verification_mapping.decode(*record)
            stored = encrypted_phone_of(verification.version) or b""
            phone = encryption.decrypt(stored, phone_index)
            if encryption.encrypt(phone, phone_index, stored) != stored:
                count += 1
                await repositories.phone_verifications.replace(
                    phone, verification.value, verification.version
                )
    return count


def check_unused(path: Path, encryption: PhoneEncryption) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: a service uses the file, a block cannot be moved, or it cannot be used.
    """
    with _connect_alone(path) as connection:
        migrate(connection, path, encryption.key_fingerprint())
        _leave_wal(connection)
        _check_blocks(connection, path)


def change_index_key(path: Path, old: PhoneEncryption, new: PhoneEncryption) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    It is one transaction, so a crash leaves the file as it was. Client IP hashes are dropped, and
    phone verifications that would expire.

    Raises:
        ConfigurationError: a service uses the file, a block cannot be moved, or it cannot be used.
    """
    with _connect_alone(path) as connection:
        if _read_fingerprint(connection) != new.key_fingerprint():
            migrate(connection, path, old.key_fingerprint())
            _leave_wal(connection)
            connection.execute("BEGIN EXCLUSIVE")
            _check_blocks(connection, path)
            _move_all(connection, old, new)
            connection.execute("COMMIT")
        kept: int = connection.execute("SELECT count(*) FROM phone_verifications").fetchone()[0]
        return kept


@contextmanager
def _connect_alone(path: Path) -> Iterator[sqlite3.Connection]:
    url = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            yield connection
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise to_startup_error(path, error) from error
        raise ConfigurationError(
            f"{path} is in use: stop the service, and start the command again."
        ) from error
    except sqlite3.Error as error:
        raise to_startup_error(path, error) from error


def _leave_wal(connection: sqlite3.Connection) -> None:
    # SQLite allows it to the only connection. The next start of the service returns to WAL.
    connection.execute("PRAGMA journal_mode = DELETE").fetchone()


def _check_blocks(connection: sqlite3.Connection, path: Path) -> None:
    (count,) = connection.execute(_COUNT_UNKNOWN_BLOCKS).fetchone()
    if count:
        raise ConfigurationError(
            f"{path} has {count} blocked phones without a stored number, because an earlier "
            "version blocked them: unblock and block each of them, and start the command again."
        )


def _move_all(connection: sqlite3.Connection, old: PhoneEncryption, new: PhoneEncryption) -> None:
    identity_mapping = IdentityMapping(old)
    for row in connection.execute(_LIST_ALL_IDENTITIES):
        phone = identity_mapping.decode(*row).value.phone
        if phone is not None:
            _move(connection, phone, old, new)
    verification_mapping = PhoneVerificationMapping(old)
    for phone_index, *row in connection.execute(_LIST_BLOCKED).fetchall():
        stored = encrypted_phone_of(verification_mapping.decode(*row).version) or b""
        _move(connection, old.decrypt(stored, phone_index), old, new)
    connection.execute("DELETE FROM phone_verifications WHERE expires_at IS NOT NULL")
    connection.execute(_DELETE_RATE_LIMITS_WITH_HASHES)
    connection.execute(
        "UPDATE metadata SET value = ? WHERE name = 'key_fingerprint'", (new.key_fingerprint(),)
    )


def _move(
    connection: sqlite3.Connection, phone: PhoneNumber, old: PhoneEncryption, new: PhoneEncryption
) -> None:
    old_index, new_index = old.blind_index(phone), new.blind_index(phone)
    row = connection.execute(_LOAD, (old_index,)).fetchone()
    if row is None:
        return  # Moved before.
    mapping = PhoneVerificationMapping(old)
    loaded = mapping.decode(*row)
    verification = loaded.value.drop_client_ips()
    stored = mapping.to_stored(verification)
    if verification.blocked_at is not None:
        stored.encrypted_phone = new.encrypt(phone, new_index)
    values = (
        new_index,
        mapping.schema_version,
        to_microseconds_or_none(verification.expires_at),
        to_microseconds_or_none(verification.client_ips_expire_at),
        mapping.encode(stored, loaded.version),
        old_index,
    )
    connection.execute(_MOVE, values)


def _read_fingerprint(connection: sqlite3.Connection) -> object:
    row = connection.execute("SELECT value FROM metadata WHERE name = 'key_fingerprint'").fetchone()
    return row and row[0]
