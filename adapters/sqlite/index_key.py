"""A job of an operator: store phones under another index key."""

import sqlite3
from asyncio import Future, get_running_loop
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from adapters.records.call_deadlines import Answers
from adapters.records.database import Database
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_keys import (
    ReportProgress,
    move_phone_verifications,
    report_nothing,
)
from adapters.sql.metadata import FINISH_KEY_CHANGE, start_key_change
from adapters.sqlite.connection_worker import Operation, Parameters
from adapters.sqlite.database import SqliteDatabase, SqliteRow
from adapters.sqlite.dialect import SQLITE
from adapters.sqlite.errors import SQLITE_ERRORS, is_busy, to_startup_error
from adapters.sqlite.limit_store import SqliteLimitStore
from adapters.sqlite.record_store import make_record_store
from adapters.sqlite.schema import find_metadata, prepare_schema
from application.ports.errors import ConfigurationError

T = TypeVar("T")
_BUSY_TIMEOUT: Final = 1.0
"""Seconds. A service keeps its lock until it stops, so waiting longer does not help."""


async def check_unused(path: Path, encryption: PhoneEncryption, _: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: A service uses the file, or it cannot be used.
    """
    with _connect_alone(path) as connection:
        prepare_schema(connection, path, encryption.key_fingerprint())
        _leave_wal(connection)


async def change_index_key(
    path: Path,
    old: PhoneEncryption,
    new: PhoneEncryption,
    _: datetime,
    report: ReportProgress = report_nothing,
) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    Each batch is a transaction. The metadata says that the change is unfinished, so that no service
    starts; after a crash the next call continues. Client IP hashes are dropped, and phone
    verifications that would expire.

    Raises:
        ConfigurationError: A service uses the file, or it cannot be used.
        CorruptRecord
    """
    with _connect_alone(path) as connection:
        current = find_metadata(connection, path)
        if current is None or current.key_fingerprint != new.key_fingerprint():
            prepare_schema(connection, path, old.key_fingerprint())
            _leave_wal(connection)
            connection.execute("BEGIN EXCLUSIVE")
            fingerprints = (new.key_fingerprint(), old.key_fingerprint())
            connection.execute(start_key_change(SQLITE), fingerprints)
            connection.execute("COMMIT")
        elif current.unfinished_index_key is None:
            [kept] = connection.execute("SELECT count(*) FROM phone_verifications").fetchone()
            return int(kept)
        connection.execute("BEGIN EXCLUSIVE")

        def commit_batch(label: str, done: int, total: int | None) -> None:
            connection.execute("COMMIT")
            connection.execute("BEGIN EXCLUSIVE")
            report(label, done, total)

        database = _stores_in_transaction(connection)
        moved = await move_phone_verifications(database, old, new, commit_batch)
        connection.execute(FINISH_KEY_CHANGE)
        connection.execute("COMMIT")
        return moved


@dataclass(frozen=True, slots=True)
class _Transaction:
    """Executes operations at once, in a transaction that is open."""

    connection: sqlite3.Connection
    answers: Answers = field(default_factory=Answers)

    def has_waited(self, _: float) -> bool:
        return False

    def run(self, operation: Operation[T]) -> Future[T]:
        result: Future[T] = get_running_loop().create_future()
        result.set_result(operation(self.connection))
        return result

    def read_row(self, sql: str, values: Parameters) -> SqliteRow | None:
        """Read a row."""
        row: SqliteRow | None = self.connection.execute(sql, values).fetchone()
        return row


def _stores_in_transaction(connection: sqlite3.Connection) -> Database:
    transaction = _Transaction(connection)
    database = SqliteDatabase(transaction, transaction, transaction.read_row)
    return Database(make_record_store(database), SqliteLimitStore(database), health=database)


@contextmanager
def _connect_alone(path: Path) -> Iterator[sqlite3.Connection]:
    url = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(
            sqlite3.connect(url, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT)
        ) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            # Until the end, also between two transactions.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
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
