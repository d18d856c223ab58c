"""The schema of the file. There is one, version 1.

- A record is JSON in `body` (`adapters.records`). The other columns repeat what queries search for.
- Times in columns are microseconds since 1970 in UTC.
- A new table or index raises no version: it is created when the file is opened. A change that
  older programs cannot read raises it, and they do not start.
"""

import logging
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from adapters.records.kinds import KINDS
from adapters.records.limits import LIMITS
from adapters.records.record_kind import Index, RecordKind
from application.ports.errors import ConfigurationError

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x4449414C
"""The id in the header of the file that says it is Dialtone's: the letters DIAL."""

METADATA: Final = """
CREATE TABLE IF NOT EXISTS metadata (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID
"""

RETIRED_TABLES: Final = ("rate_limits", "reservations")
"""Tables of earlier programs whose rows expire."""
RETIRED: Final = (
    *(
        statement
        for table in RETIRED_TABLES
        for statement in (
            f"CREATE TABLE {table} (id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL, "
            "body TEXT NOT NULL)",
            f"CREATE INDEX {table}_expires_at ON {table} (expires_at)",
        )
    ),
    "CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL) "
    "WITHOUT ROWID",
    "CREATE INDEX identities_deleted_not_purged ON identities (deleted_at) "
    "WHERE deleted_at IS NOT NULL AND purged_at IS NULL",
    "CREATE INDEX identities_deleted_with_username ON identities (deleted_at) "
    "WHERE deleted_at IS NOT NULL AND username_key IS NOT NULL",
)
"""What files of earlier programs have, and new ones do not.

The tables stay, for older instances that run beside this one.
"""
_DROP_RETIRED: Final = (
    "DROP INDEX IF EXISTS identities_deleted_not_purged",
    "DROP INDEX IF EXISTS identities_deleted_with_username",
)
"""Indexes that got another name: each would slow down writes."""

_log = logging.getLogger(__name__)


def conditions_of(index: Index) -> Sequence[str]:
    """Return what is true of all rows of an index."""
    return [
        *(f"{column} IS NOT NULL" for column in index.present),
        *(f"{column} IS NULL" for column in index.absent),
        *(f"{column} = '{value}'" for column, value in index.only),
    ]


def order_of(index: Index) -> Sequence[str]:
    """Return the columns by which the rows of an index with equal values are in order."""
    return [*((index.order,) if index.order else ()), *(("id",) if index.is_paged else ())]


def _create_table(kind: RecordKind[Any], version: str) -> str:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind.record_type)}
    columns = ", ".join(f"{name} {_column_type(fields[name].type)}" for name in kind.indexed_fields)
    return (
        f"CREATE TABLE IF NOT EXISTS {kind.name} (id TEXT NOT NULL PRIMARY KEY, {version}"
        f"{columns}{', ' if columns else ''}body TEXT NOT NULL)"
    )


def _column_type(field_type: Any) -> str:
    types = get_args(field_type) or (field_type,)
    name = "INTEGER" if datetime in types else "TEXT"
    return name if type(None) in types else f"{name} NOT NULL"


def _create_index(kind: RecordKind[Any], index: Index) -> str:
    unique = "UNIQUE " if index.is_unique else ""
    columns = ", ".join([*index.equal, *order_of(index)])
    conditions = conditions_of(index)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"CREATE {unique}INDEX IF NOT EXISTS {index.name} ON {kind.name} ({columns}){where}"


def _create_kind(kind: RecordKind[Any], version: str = "version INTEGER NOT NULL, ") -> list[str]:
    return [
        _create_table(kind, version),
        *(_create_index(kind, index) for index in kind.indexes),
    ]


SCHEMA: Final = (
    METADATA,
    *(statement for kind in KINDS for statement in _create_kind(kind)),
    # Only the writer changes them.
    *_create_kind(LIMITS, version=""),
)
"""The statements that create what is missing."""


def prepare_schema(connection: sqlite3.Connection, path: Path, key_fingerprint: str) -> None:
    """Create what is missing, all or nothing, also if several processes open the file.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    connection.execute("BEGIN IMMEDIATE")
    is_new = check_schema(connection, path, key_fingerprint) is None
    for statement in (*SCHEMA, *_DROP_RETIRED):
        connection.execute(statement)
    if is_new:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executemany(
            "INSERT INTO metadata (name, value) VALUES (?, ?)",
            [
                ("schema_version", SCHEMA_VERSION),
                ("health_check_count", 0),
                ("key_fingerprint", key_fingerprint),
            ],
        )
    connection.execute("COMMIT")
    if is_new:
        _log.info({"event": "database_created", "schema_version": SCHEMA_VERSION})


def check_schema(
    connection: sqlite3.Connection, path: Path, key_fingerprint: str | None
) -> int | None:
    """Return the schema version of the file, or None if it is empty.

    Args:
        connection: To the file.
        path: For error messages.
        key_fingerprint: That of the keys; None if it is not known.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    if _is_new(connection, path):
        return None
    version = read_metadata(connection, "schema_version")
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} was written by another version of Dialtone (schema {version!r}; this one "
            f"knows {SCHEMA_VERSION}): start that version, or name another file."
        )
    if key_fingerprint not in (None, read_metadata(connection, "key_fingerprint")):
        raise ConfigurationError(
            f"{path} was written with other keys: start with the secrets file that it was "
            "first opened with, or name another file."
        )
    return SCHEMA_VERSION


def complete_schema(connection: sqlite3.Connection, path: Path) -> str | None:
    """Create the tables and indexes that the file of an older program does not have.

    Returns:
        The first object that is not of this schema, e.g. `trigger x`; nothing is created then. The
        tables of ANALYZE are none.

    Raises:
        ConfigurationError: The records violate a unique index.
    """
    known = _known_objects()
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        is_statistics = kind == "table" and name.startswith("sqlite_stat")
        if known.get((kind, name), "") != _normalize(sql) and not is_statistics:
            return f"{kind} {name}"
    try:
        for statement in SCHEMA:
            connection.execute(statement)
    except sqlite3.IntegrityError:
        raise ConfigurationError(f"{path} is damaged: use an earlier backup.") from None
    return None


def read_metadata(connection: sqlite3.Connection, name: str) -> Any:
    """Return a value of the metadata, or None."""
    row = connection.execute("SELECT value FROM metadata WHERE name = ?", (name,)).fetchone()
    return row and row[0]


@cache
def _known_objects() -> Mapping[tuple[str, str], str | None]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in (*SCHEMA, *RETIRED):
            connection.execute(statement)
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master")
        return {(kind, name): _normalize(sql) for kind, name, sql in rows}


def _normalize(sql: str | None) -> str | None:
    """Return a statement without the white space that has no meaning; None of an automatic index.

    Earlier programs wrote other white space. No text in the schema has any.
    """
    return sql and re.sub(r"\s*([(),])\s*|\s+", lambda space: space[1] or " ", sql.strip())


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    application_id = _read_pragma(connection, "application_id")
    if application_id == APPLICATION_ID:
        return False
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id or tables or _read_pragma(connection, "user_version"):
        raise ConfigurationError(f"{path} is the database of another program: name another file.")
    return True


def _read_pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
