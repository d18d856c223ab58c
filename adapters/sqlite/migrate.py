"""Bringing a file to the schema of this version, or finding that it is none of ours."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from adapters.sqlite.errors import DatabaseNotUsable

APPLICATION_ID: Final = 0x4449414C
"""What says in the file's header that it is Dialtone's: the letters DIAL."""


@dataclass(frozen=True, slots=True)
class Migration:
    """The SQL that makes schema `version` of the one before."""

    version: int
    script: str

    def statements(self) -> Iterator[str]:
        """The statements one by one: `executescript` would commit before the first."""
        statement = ""
        for line in self.script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""


def shipped_migrations() -> Sequence[Migration]:
    """All migrations of this version of Dialtone, in order."""
    shipped = [
        Migration(int(one.name.split("_")[0]), one.read_text("utf-8"))
        for one in files("adapters.sqlite.migrations").iterdir()
        if one.name.endswith(".sql")
    ]
    return sorted(shipped, key=lambda migration: migration.version)


def bring_up_to_date(
    connection: sqlite3.Connection,
    path: Path,
    fingerprint: str,
    migrations: Sequence[Migration],
) -> None:
    """Apply what is missing, all or nothing, whoever else opens the file at the same time.

    Raises:
        DatabaseNotUsable: it is another program's, of a newer version, or of other keys.
        sqlite3.Error
    """
    connection.execute("BEGIN IMMEDIATE")
    version = _pragma(connection, "user_version")
    is_new = _is_new(connection, path, version)
    if version > migrations[-1].version:
        raise DatabaseNotUsable(
            f"{path} was written by a newer version of Dialtone (schema {version}; this one "
            f"knows {migrations[-1].version}): start that version, or name another file."
        )
    for migration in migrations:
        if migration.version > version:
            for statement in migration.statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {migration.version}")
    if is_new:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("INSERT INTO meta VALUES ('fingerprint', ?)", (fingerprint,))
    _check_keys(connection, path, fingerprint)
    connection.execute("COMMIT")


def _is_new(connection: sqlite3.Connection, path: Path, version: int) -> bool:
    application_id = _pragma(connection, "application_id")
    if application_id == APPLICATION_ID:
        return False
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id or version or tables:
        raise DatabaseNotUsable(f"{path} is the database of another program: name another file.")
    return True


def _check_keys(connection: sqlite3.Connection, path: Path, fingerprint: str) -> None:
    found = connection.execute("SELECT value FROM meta WHERE name = 'fingerprint'").fetchall()
    if found != [(fingerprint,)]:
        raise DatabaseNotUsable(
            f"{path} was written with other keys: start with the secrets file that it was "
            "first opened with, or name another file."
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
