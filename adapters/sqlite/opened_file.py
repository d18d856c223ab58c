"""The file that was opened, as long as it stands at its path."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.sqlite.connection import connect_to_write
from adapters.sqlite.errors import GONE
from adapters.sqlite.lane import Job, Refused, Serve
from adapters.sqlite.serving import commit_together, read_together
from application.ports.errors import StorageUnavailable


class OpenedFile:
    """Reads and writes a file that others can open too, and refuses when they no longer can.

    SQLite goes on with a file that was removed or replaced: what is written then is lost when it
    is closed, and what is read is not what others write.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._identity: tuple[int, int] | None = None

    def connect(self) -> sqlite3.Connection:
        """Connect to write, as `connect_to_write` does, and remember which file that was."""
        connection = connect_to_write(self._path, self._fingerprint)
        self._identity = self._found()
        return connection

    def commit_together(
        self, connection: sqlite3.Connection, jobs: Sequence[Job[Any]]
    ) -> Sequence[object]:
        """Do the jobs in one transaction, unless the file is gone: then each one is refused."""
        return self._served(commit_together, connection, jobs)

    def read_together(
        self, connection: sqlite3.Connection, jobs: Sequence[Job[Any]]
    ) -> Sequence[object]:
        """Do the jobs on one snapshot, unless the file is gone: then each one is refused."""
        return self._served(read_together, connection, jobs)

    def _served(
        self, serve: Serve, connection: sqlite3.Connection, jobs: Sequence[Job[Any]]
    ) -> Sequence[object]:
        if self._found() != self._identity:
            gone = StorageUnavailable(GONE)
            return [Refused(gone) for _ in jobs]
        return serve(connection, jobs)

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
