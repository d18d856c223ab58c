"""Connections to a database file."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from adapters.sqlite.errors import DatabaseNotUsable, at_open, is_busy
from adapters.sqlite.file import create_missing
from adapters.sqlite.migrate import bring_up_to_date, shipped_migrations

BUSY_TIMEOUT: Final = 5.0
"""Seconds that a writer waits for one of another process."""
_LARGEST_IDLE_WAL: Final = 64 * 1024 * 1024


def connect_to_write(path: Path, fingerprint: str) -> sqlite3.Connection:
    """Connect to the file, made and brought up to date as needed.

    Raises:
        DatabaseNotUsable
    """
    create_missing(path)
    with _connected(path) as connection:
        bring_up_to_date(connection, path, fingerprint, shipped_migrations())
        _share(connection, path)
        # The log is made by its first use: now, while there is an operator to tell.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_IDLE_WAL}")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Connect to a file that `connect_to_write` has opened.

    Raises:
        DatabaseNotUsable
    """
    with _connected(path) as connection:
        connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Connect; closed again if the block fails, and its errors put into words."""
    with ExitStack() as undo:
        try:
            # rw: a file that vanishes is not made anew. The threads take turns: one
            # connects, one serves.
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            undo.callback(connection.close)
            yield connection
        except sqlite3.Error as error:
            raise at_open(path, error) from error
        undo.pop_all()


def _share(connection: sqlite3.Connection, path: Path) -> None:
    """Let readers and a writer work at the same time, in any number of processes."""
    give_up = time.monotonic() + BUSY_TIMEOUT
    mode = None
    while mode is None:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            # Here SQLite does not wait by itself for another that opens the file.
            if not is_busy(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise DatabaseNotUsable(
            f"{path} is on a file system without shared memory: put it on a local disk."
        )
