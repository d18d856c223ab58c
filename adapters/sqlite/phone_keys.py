"""A job of an operator: store phones under another index key."""

import sqlite3
from asyncio import Future, get_running_loop
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from adapters.records.database import Database
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_keys import move_phone_verifications
from adapters.sqlite.connection_worker import Operation, Values
from adapters.sqlite.database import Row, SqliteDatabase
from adapters.sqlite.errors import SQLITE_ERRORS, is_busy, to_startup_error
from adapters.sqlite.limit_store import SqliteLimitStore
from adapters.sqlite.record_store import SqliteRecordStore
from adapters.sqlite.schema import prepare_schema, read_metadata
from application.ports.errors import ConfigurationError

T = TypeVar("T")


async def check_unused(path: Path, encryption: PhoneEncryption, _: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: A service uses the file, or it cannot be used.
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
        ConfigurationError: A service uses the file, or it cannot be used.
        CorruptRecord
    """
    with _connect_alone(path) as connection:
        if read_metadata(connection, "key_fingerprint") != new.key_fingerprint():
            prepare_schema(connection, path, old.key_fingerprint())
            _leave_wal(connection)
            connection.execute("BEGIN EXCLUSIVE")
            await move_phone_verifications(_stores_in_transaction(connection), old, new)
            connection.execute(
                "UPDATE metadata SET value = ? WHERE name = 'key_fingerprint'",
                (new.key_fingerprint(),),
            )
            connection.execute("COMMIT")
        kept: int = connection.execute("SELECT count(*) FROM phone_verifications").fetchone()[0]
        return kept


@dataclass(frozen=True, slots=True)
class _Transaction:
    """Executes operations at once, in a transaction that is open."""

    connection: sqlite3.Connection

    def has_waited(self, _: float) -> bool:
        """Return False: no operation waits."""
        return False

    def run(self, operation: Operation[T]) -> Future[T]:
        """Execute an operation."""
        result: Future[T] = get_running_loop().create_future()
        result.set_result(operation(self.connection))
        return result

    def read_row(self, sql: str, values: Values) -> Row | None:
        """Read a row."""
        row: Row | None = self.connection.execute(sql, values).fetchone()
        return row


def _stores_in_transaction(connection: sqlite3.Connection) -> Database:
    transaction = _Transaction(connection)
    database = SqliteDatabase(transaction, transaction, transaction.read_row)
    return Database(SqliteRecordStore(database), SqliteLimitStore(database), health=database)


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
