"""A file as source or target of a copy.

Its calls run in the event loop, because a command has nothing else to do.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.records.copy_marks import CopyMark, decode_mark, encode_mark
from adapters.records.limits import LIMITS
from adapters.records.raw_records import (
    NOT_ACCEPTED,
    RawRecord,
    make_raw_record,
    reading,
    to_json,
)
from adapters.records.record_kind import Fields, RecordKind
from adapters.sql.metadata import write_copy_mark
from adapters.sql.schema import tables
from adapters.sql.undeclared_tables import has_undeclared
from adapters.sqlite.database import SqliteRow, create_missing_file, is_present
from adapters.sqlite.dialect import SQLITE, to_column
from adapters.sqlite.errors import SQLITE_ERRORS, is_busy, to_startup_error
from adapters.sqlite.schema import check_schema, find_metadata, list_tables, prepare_schema
from application.ports.errors import ConfigurationError

_IN_USE: Final = "{path} is in use: stop the service, and start the command again."
_decode: Final = msgspec.json.Decoder(Fields).decode
# ruff: noqa: S608 -- the names are ours


@asynccontextmanager
async def open_existing(
    path: Path, key_fingerprint: str | None
) -> AsyncIterator["SqliteCopy | None"]:
    """Open a file as it is, also beside a service. Yield None if it is new.

    Raises:
        ConfigurationError: It cannot be used.
    """
    if not is_present(path):
        yield None
        return
    with _connect(path) as connection:
        with _errors_of(path):
            is_new = check_schema(connection, path, key_fingerprint, is_copy=True) is None
        yield None if is_new else SqliteCopy(connection, path)


@asynccontextmanager
async def open_source(path: Path, key_fingerprint: str) -> AsyncIterator["SqliteCopy | None"]:
    """Open a file that nothing else uses. Yield None if it is new.

    Raises:
        ConfigurationError: It is in use, or cannot be used.
    """
    async with open_existing(path, key_fingerprint) as database:
        if database is not None:
            database.leave_wal()
        yield database


@asynccontextmanager
async def open_target(path: Path, key_fingerprint: str) -> AsyncIterator["SqliteCopy"]:
    """Open a file that nothing else uses. It is created if it is missing.

    Raises:
        ConfigurationError: It is in use, or cannot be used.
    """
    create_missing_file(path)
    with _connect(path) as connection:
        with _errors_of(path):
            prepare_schema(connection, path, key_fingerprint, is_copy=True)
        database = SqliteCopy(connection, path)
        database.leave_wal()
        yield database


class SqliteCopy:
    """A `CopyableDatabase`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Use an open connection."""
        self.location = f"sqlite:///{path}"
        self._connection = connection
        self._path = path

    def leave_wal(self) -> None:
        """Check that nothing else uses the file. The next start of a service returns to WAL.

        SQLite allows it to the only connection.

        Raises:
            ConfigurationError
        """
        with _errors_of(self._path):
            self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()

    async def read_mark(self) -> CopyMark | None:
        with _errors_of(self._path):
            metadata = find_metadata(self._connection, self._path)
        return decode_mark(metadata.copy_mark if metadata else None, self.location)

    async def write_mark(self, mark: CopyMark | None, /) -> None:
        with _errors_of(self._path):
            values = (encode_mark(mark) if mark else None,)
            self._connection.execute(write_copy_mark(SQLITE), values)

    async def list_unknown(self) -> Sequence[str]:
        return sorted(self._list_tables() - {*tables()})

    async def has_undeclared(self, name: str, /) -> bool:
        return await has_undeclared(self._read, SQLITE, name)

    async def count(self, kind: RecordKind[Any], /) -> int:
        return int(self._find_value(kind, "count(*)") or 0)

    async def find_last_id(self, kind: RecordKind[Any], /) -> str:
        return str(self._find_value(kind, "max(id)") or "")

    async def scan(
        self, kind: RecordKind[Any], after_id: str, limit: int, /
    ) -> Sequence[RawRecord]:
        if kind.name not in self._list_tables():
            return []
        version = "0" if kind is LIMITS else "version"
        sql = f"SELECT id, {version}, body FROM {kind.name} WHERE id > ? ORDER BY id LIMIT ?"
        with _errors_of(self._path):
            rows = self._connection.execute(sql, (after_id, limit)).fetchall()
        with reading(kind, self.location):
            return [
                make_raw_record(kind, row_id, number, _decode(body))
                for row_id, number, body in rows
            ]

    async def add(self, kind: RecordKind[Any], records: Sequence[RawRecord], /) -> None:
        version = () if kind is LIMITS else ("version",)
        names = ("id", *version, *kind.indexed_fields, "body")
        places = ", ".join("?" * len(names))
        sql = f"INSERT INTO {kind.name} ({', '.join(names)}) VALUES ({places})"
        rows = [
            (
                record.id,
                *(record.version for _ in version),
                *(to_column(record.fields.get(name)) for name in kind.indexed_fields),
                to_json(kind, record),
            )
            for record in records
        ]
        with _errors_of(self._path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:  # commits, or rolls back
                    self._connection.executemany(sql, rows)
            except sqlite3.IntegrityError:
                text = NOT_ACCEPTED.format(kind=kind.name, location=self.location)
                raise ConfigurationError(text) from None

    def _list_tables(self) -> frozenset[str]:
        with _errors_of(self._path):
            return frozenset(list_tables(self._connection))

    async def _read(self, sql: str, values: Sequence[Any]) -> Sequence[SqliteRow]:
        with _errors_of(self._path):
            return self._connection.execute(sql, values).fetchall()

    def _find_value(self, kind: RecordKind[Any], expression: str) -> Any:
        if kind.name not in self._list_tables():
            return None
        with _errors_of(self._path):
            row = self._connection.execute(f"SELECT {expression} FROM {kind.name}").fetchone()
        return row[0]


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    with _errors_of(path):
        url = f"{path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(url, uri=True, isolation_level=None)
    with closing(connection):
        yield connection


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except SQLITE_ERRORS as error:
        if is_busy(error):
            raise ConfigurationError(_IN_USE.format(path=path)) from error
        raise to_startup_error(path, error) from error
