"""Jobs of an operator: store phones under the current encryption key, or another index key."""

import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PHONE_VERIFICATIONS, encrypt_if_blocked
from adapters.sqlite.database import open_database
from adapters.sqlite.errors import SQLITE_ERRORS, is_busy, to_startup_error
from adapters.sqlite.record_table import replacement
from adapters.sqlite.schema import prepare_schema, read_metadata
from application.ports.errors import ConfigurationError
from domain.phone import PhoneNumber

_BATCH_SIZE: Final = 200
_TABLES: Final = ("identities", "phone_verifications")

_LIST_ENCRYPTED: Final = """
SELECT id, version, json_extract(body, '$.encrypted_phone') FROM {table}
WHERE id > ? AND json_extract(body, '$.encrypted_phone') IS NOT NULL ORDER BY id LIMIT ?
"""
_SET_ENCRYPTED: Final = """
UPDATE {table} SET version = version + 1, body = json_set(body, '$.encrypted_phone', ?)
WHERE id = ? AND version = ?
"""
_FIND: Final = "SELECT version, body FROM phone_verifications WHERE id = ?"
# The ciphertext is that of the old id.
_RENAME: Final = """
UPDATE phone_verifications SET id = ?, body = json_remove(body, '$.encrypted_phone') WHERE id = ?
"""
_DELETE_HASHES: Final = (
    "DELETE FROM phone_verifications WHERE expires_at IS NOT NULL",
    "DELETE FROM rate_limits WHERE id LIKE '%:network:%' OR id LIKE '%:range:%' "
    "OR id LIKE '%:phone:%'",
    "DELETE FROM reservations",
)


async def reencrypt_phones(path: Path, encryption: PhoneEncryption) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    Services may run. A record that one replaces meanwhile counts, and is left to the next call.

    Raises:
        ConfigurationError: the file cannot be used.
        StorageError
    """
    count = 0
    async with open_database(path, encryption.key_fingerprint()) as database:
        for table in _TABLES:
            last_id = ""
            listing, replacing = (
                _LIST_ENCRYPTED.format(table=table),
                _SET_ENCRYPTED.format(table=table),
            )
            while rows := await database.read_rows(listing, (last_id, _BATCH_SIZE)):
                for last_id, version, text in rows:
                    stored = b64decode(text)
                    encrypted = encryption.reencrypt(stored, last_id)
                    if encrypted != stored:
                        count += 1
                        values = (b64encode(encrypted).decode(), last_id, version)
                        await database.execute(replacing, values)
    return count


async def check_unused(path: Path, encryption: PhoneEncryption, _: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: a service uses the file, or it cannot be used.
    """
    with _connect_alone(path) as connection:
        prepare_schema(connection, path, encryption.key_fingerprint())
        _leave_wal(connection)


async def change_index_key(
    path: Path, old: PhoneEncryption, new: PhoneEncryption, _: datetime
) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    It is one transaction, so a crash leaves the file as it was. Client IP hashes are dropped, and
    phone verifications that would expire.

    Raises:
        ConfigurationError: a service uses the file, or it cannot be used.
    """
    with _connect_alone(path) as connection:
        if read_metadata(connection, "key_fingerprint") != new.key_fingerprint():
            prepare_schema(connection, path, old.key_fingerprint())
            _leave_wal(connection)
            connection.execute("BEGIN EXCLUSIVE")
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
    except SQLITE_ERRORS as error:
        if not is_busy(error):
            raise to_startup_error(path, error) from error
        raise ConfigurationError(
            f"{path} is in use: stop the service, and start the command again."
        ) from error


def _leave_wal(connection: sqlite3.Connection) -> None:
    # SQLite allows it to the only connection. The next start of the service returns to WAL.
    connection.execute("PRAGMA journal_mode = DELETE").fetchone()


def _move_all(connection: sqlite3.Connection, old: PhoneEncryption, new: PhoneEncryption) -> None:
    for table in _TABLES:
        encrypted = connection.execute(_LIST_ENCRYPTED.format(table=table), ("", -1)).fetchall()
        for record_id, _, text in encrypted:
            _move(connection, old.decrypt(b64decode(text), record_id), old, new)
    for statement in _DELETE_HASHES:
        connection.execute(statement)
    connection.execute(
        "UPDATE metadata SET value = ? WHERE name = 'key_fingerprint'", (new.key_fingerprint(),)
    )


def _move(
    connection: sqlite3.Connection, phone: PhoneNumber, old: PhoneEncryption, new: PhoneEncryption
) -> None:
    old_index, new_index = old.blind_index(phone), new.blind_index(phone)
    row = connection.execute(_FIND, (old_index,)).fetchone()
    if row is None:
        return  # Moved before.
    version, body = row
    verification = PHONE_VERIFICATIONS.decode(body).drop_client_ips()
    moved = encrypt_if_blocked(verification, phone, new_index, new)
    connection.execute(_RENAME, (new_index, old_index))
    replacement(PHONE_VERIFICATIONS, new_index, moved, version)(connection)
