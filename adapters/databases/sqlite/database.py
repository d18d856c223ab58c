"""The database file: connections to it, and statements on them."""

import errno
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from adapters.databases.records.call_deadlines import Answers
from adapters.databases.records.database_metadata import EMPTIED
from adapters.databases.sql.metadata import WRITE_CHECK
from adapters.databases.sqlite.connection_worker import (
    ExecuteBatch,
    Failed,
    Operation,
    Parameters,
    Statement,
    commit_batch,
    open_connection_worker,
    read_batch,
)
from adapters.databases.sqlite.errors import (
    FILE_GONE,
    NOT_LOCAL,
    SQLITE_ERRORS,
    is_busy,
    to_startup_error,
)
from adapters.databases.sqlite.schema import check_schema, prepare_schema
from application.ports.errors import ConfigurationError, StorageUnavailable

T = TypeVar("T")
SqliteRow = tuple[Any, ...]

BUSY_TIMEOUT: Final = 5.0
"""Seconds that a writer waits for a writer of another process."""
HANGING_AFTER: Final = 1.0
"""Seconds after which a write that is not finished says that the disk hangs."""
BUSY_AFTER: Final = 0.25
"""Seconds after which a write that is not finished says that a health check would wait too long."""
_CHECK_INTERVAL: Final = 0.01
"""Seconds in which point reads may not notice that the file was moved."""
_IS_FOLDER: Final = "{path} is a folder: name a file in it."
_IN_USE: Final = "{path} is in use: stop the service, and start the command again."
_NO_FILE: Final = "{path} is not a regular file: name another file."
_MAX_IDLE_WAL_SIZE: Final = 64 * 1024 * 1024
_CACHE_KIBIBYTES: Final = 16 * 1024
"""Cache for reads in the event loop: the pages of some 20,000 users."""


class Worker(Protocol):
    """Executes operations, each completely or not at all."""

    @property
    def answers(self) -> Answers:
        """When it executed operations last."""
        ...

    def has_waited(self, seconds: float, /) -> bool: ...

    def run(self, operation: Operation[T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """An open file. Reads and writes do not wait for each other.

    - Point reads are executed in the event loop: a thread would cost ten times as much, since both
      would take turns at the interpreter's lock. While the disk hangs, the reader's thread executes
      them.
    - Other reads are executed in the reader's thread, writes in the writer's.
    """

    reader: Worker
    writer: Worker
    read_here: Callable[[str, Parameters], SqliteRow | None]

    async def read_row(self, sql: str, values: Parameters = ()) -> SqliteRow | None:
        if not self.writer.has_waited(HANGING_AFTER):
            try:
                return self.read_here(sql, values)
            except (*SQLITE_ERRORS, StorageUnavailable):
                pass  # The thread waits for locks, and has the error.
        return await self.reader.run(lambda connection: connection.execute(sql, values).fetchone())

    async def read_rows(self, sql: str, values: Parameters = ()) -> list[SqliteRow]:
        return await self.reader.run(lambda connection: connection.execute(sql, values).fetchall())

    async def execute(self, sql: str, values: Parameters = ()) -> int:
        """Execute one statement durably, and return the number of rows that it changed."""
        return await self.writer.run(Statement(sql, values))

    async def write(self, operation: Operation[T]) -> T:
        """Execute statements durably, all or none."""
        return await self.writer.run(operation)

    async def check(self) -> None:
        if self.writer.has_waited(BUSY_AFTER) and self.writer.answers.are_recent:
            return  # behind these writes the check would come too late, and they prove the same
        # A full or read-only disk can still be read.
        if not await self.execute(WRITE_CHECK):
            raise StorageUnavailable(EMPTIED)


@asynccontextmanager
async def open_database(
    path: Path, key_fingerprint: str | None, *, is_copy: bool = False
) -> AsyncIterator[SqliteDatabase]:
    """Open the file. A missing one is created.

    `key_fingerprint` is None to open a file as it is that `inspect_file` has checked. `is_copy`
    accepts a file that was copied, or is not complete.
    """
    file = DatabaseFile(path)
    connect_to_write = partial(file.connect_to_write, key_fingerprint, is_copy=is_copy)
    commit = partial(file.execute_batch, commit_batch)
    read = partial(file.execute_batch, read_batch)
    # The writer is closed last, so that no reader of this process keeps a part of the log.
    async with (
        open_connection_worker(
            "writer", connect_to_write, commit, finish=move_log_into_file
        ) as writer,
        open_connection_worker("reader", file.connect_to_read, read) as reader,
    ):
        with closing(file.connect_to_read(busy_timeout=0)) as connection:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            yield SqliteDatabase(reader, writer, partial(file.read_row, connection))


class DatabaseFile:
    """The file at a path. Operations fail after it was moved, removed or replaced.

    SQLite continues with a file that is no longer at its path: other processes do not see what is
    written then, and it is lost when the file is closed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = str(path)
        self._inode: tuple[int, int] | None = None
        self._next_check_at = 0.0

    def connect_to_write(
        self, key_fingerprint: str | None, *, is_copy: bool = False
    ) -> sqlite3.Connection:
        """Connect to the file, after it was created if needed.

        Raises:
            ConfigurationError
        """
        create_missing_file(self._path)
        inode = self._find_inode()
        with connect(self._path) as connection:
            # What is deleted is not readable in a copy of the file.
            connection.execute("PRAGMA secure_delete = ON")
            if key_fingerprint is not None:
                prepare_schema(connection, self._path, key_fingerprint, is_copy=is_copy)
            _enable_wal(connection, self._path)
            # The first use creates the log: fail now, while an operator sees the error. A file
            # that is read-only fails only at a write.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(WRITE_CHECK)
            connection.execute("ROLLBACK")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_WAL_SIZE}")
            if self._find_inode() != inode:
                raise ConfigurationError(
                    f"{self._path} was replaced while it was opened: start again."
                )
        self._inode = inode
        return connection

    def connect_to_read(self, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
        """Connect to the file that `connect_to_write` has opened."""
        with connect(self._path, busy_timeout) as connection:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def read_row(
        self, connection: sqlite3.Connection, sql: str, values: Parameters
    ) -> SqliteRow | None:
        """Read a row that a unique key finds.

        Raises:
            StorageUnavailable
        """
        # Each system call lets another thread take the interpreter's lock.
        now = time.monotonic()
        if now >= self._next_check_at:
            if self._find_inode() != self._inode:
                raise StorageUnavailable(FILE_GONE)
            self._next_check_at = now + _CHECK_INTERVAL
        row: SqliteRow | None = connection.execute(sql, values).fetchone()
        return row

    def execute_batch(
        self,
        execute_batch: ExecuteBatch,
        connection: sqlite3.Connection,
        operations: Sequence[Operation[Any]],
    ) -> Sequence[object]:
        """Execute operations in this way, if the file is still at its path."""
        if self._find_inode() != self._inode:
            return [Failed(StorageUnavailable(FILE_GONE)) for _ in operations]
        return execute_batch(connection, operations)

    def _find_inode(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._name)  # noqa: PTH116 - a Path takes three times as long
        except OSError:
            return None
        return status.st_dev, status.st_ino


def inspect_file(path: Path, key_fingerprint: str | None, *, is_copy: bool = False) -> int | None:
    """Return the schema version of a file that could be opened; None if it is empty or missing."""
    try:
        if not is_present(path):
            _check_creatable(path)
            return None
    except OSError as error:
        raise to_startup_error(path, error) from error
    with connect(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        metadata = check_schema(connection, path, key_fingerprint, is_copy=is_copy)
        if metadata:
            connection.execute(WRITE_CHECK)
        connection.execute("COMMIT")
    connection.close()
    return metadata.schema_version if metadata else None


def check_alone(path: Path) -> None:
    """Check that no process has opened the file.

    Raises:
        ConfigurationError: One has, or the file cannot be used.
    """
    with connect(path, busy_timeout=0) as connection, closing(connection):
        try:
            # SQLite allows it to the only connection. The next one returns to WAL.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            raise ConfigurationError(_IN_USE.format(path=path)) from None


def move_log_into_file(connection: sqlite3.Connection) -> None:
    """Make the file complete without its log, as far as this process has written it.

    SQLite does it when the last connection is closed, but not if two are closed at the same time.
    The last of several processes does it, even if others read or write until then.
    """
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def create_missing_file(path: Path) -> None:
    """Create the file if it is missing, readable by its owner only, and its folders."""
    try:
        if is_present(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        # Another process created it first, unless a file is in the place of a folder.
        if not path.is_file():
            raise to_startup_error(path, error) from error
    except OSError as error:
        raise to_startup_error(path, error) from error


def is_present(path: Path) -> bool:
    """Return whether there is a file. It is not opened: closing it would drop SQLite's locks on it.

    Raises:
        ConfigurationError: Something else has its name, or its folder cannot be entered.
    """
    try:
        if path.is_dir():
            raise ConfigurationError(_IS_FOLDER.format(path=path))
        if path.exists() and not path.is_file():
            raise ConfigurationError(_NO_FILE.format(path=path))
        return path.exists()
    except OSError as error:
        raise to_startup_error(path, error) from error


def _check_creatable(path: Path) -> None:
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "not writable")


@contextmanager
def connect(path: Path, busy_timeout: float = BUSY_TIMEOUT) -> Iterator[sqlite3.Connection]:
    """Connect. If the block fails, close the connection and raise ConfigurationError."""
    with ExitStack() as cleanup:
        try:
            # rw: a file that vanishes is not created again. Another thread will use it.
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=busy_timeout,
                isolation_level=None,
                check_same_thread=False,
            )
            cleanup.callback(connection.close)
            yield connection
        except SQLITE_ERRORS as error:
            raise to_startup_error(path, error) from error
        cleanup.pop_all()


def _enable_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Let readers and a writer work at the same time, in any number of processes."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    mode = None
    while mode is None:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            # SQLite applies no busy timeout to this statement.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise ConfigurationError(NOT_LOCAL.format(path=path))
