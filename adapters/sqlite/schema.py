"""The schema of the file. There is one, version 1.

- A record is JSON in `body` (`adapters.records`). The other columns repeat what queries search for.
- Times in columns are microseconds since 1970 in UTC.
- A new table or index raises no version: it is created when the file is opened. A change that
  older programs cannot read raises it, and they do not start.
"""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Final

from application.ports.errors import ConfigurationError

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x4449414C
"""The id in the header of the file that says it is Dialtone's: the letters DIAL."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS metadata (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

-- expires_at is NULL while the phone has an identity or is blocked.
CREATE TABLE IF NOT EXISTS phone_verifications (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    client_ips_expire_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS phone_verifications_expires_at ON phone_verifications (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS phone_verifications_client_ips_expire_at
    ON phone_verifications (client_ips_expire_at) WHERE client_ips_expire_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    username_key TEXT,
    deleted_at INTEGER,
    purged_at INTEGER,
    expires_at INTEGER,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS identities_username_key ON identities (username_key)
    WHERE username_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS identities_deleted_not_purged ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX IF NOT EXISTS identities_deleted_with_username ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND username_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS identities_expires_at ON identities (expires_at)
    WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS media_items (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    category TEXT,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    upload_deadline INTEGER NOT NULL,
    deletion_requested_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS media_items_upload_deadline ON media_items (upload_deadline)
    WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS media_items_deletion_requested_at ON media_items (deletion_requested_at)
    WHERE deletion_requested_at IS NOT NULL;

-- One for each combination of filters, so that every page is a range of an index.
CREATE INDEX IF NOT EXISTS media_items_page ON media_items (state, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id
    ON media_items (state, owner_id, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_kind ON media_items (state, kind, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_category
    ON media_items (state, category, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id_kind
    ON media_items (state, owner_id, kind, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id_category
    ON media_items (state, owner_id, category, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_kind_category
    ON media_items (state, kind, category, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id_kind_category
    ON media_items (state, owner_id, kind, category, created_at, id);

CREATE TABLE IF NOT EXISTS media_usages (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    recount_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS media_usages_recount_at ON media_usages (recount_at)
    WHERE recount_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE IF NOT EXISTS calls (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    identity_id TEXT,
    oldest_recording_at INTEGER,
    unfinished_since INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS calls_started_at ON calls (started_at, id);
CREATE INDEX IF NOT EXISTS calls_identity_id ON calls (identity_id, started_at, id)
    WHERE identity_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_oldest_recording_at ON calls (oldest_recording_at)
    WHERE oldest_recording_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_unfinished_since ON calls (unfinished_since)
    WHERE unfinished_since IS NOT NULL;

CREATE TABLE IF NOT EXISTS delivery_reports (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS delivery_reports_expires_at ON delivery_reports (expires_at);

-- The permits of each limit, and what each reservation acquired.
CREATE TABLE IF NOT EXISTS rate_limits (
    id TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS rate_limits_expires_at ON rate_limits (expires_at);

CREATE TABLE IF NOT EXISTS reservations (
    id TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS reservations_expires_at ON reservations (expires_at);

CREATE TABLE IF NOT EXISTS leases (
    name TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
"""

_log = logging.getLogger(__name__)


def prepare_schema(connection: sqlite3.Connection, path: Path, key_fingerprint: str) -> None:
    """Create what is missing, all or nothing, also if several processes open the file.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    connection.execute("BEGIN IMMEDIATE")
    is_new = check_schema(connection, path, key_fingerprint) is None
    for statement in SCHEMA.split(";"):  # `executescript` would commit before the first
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
        if known.get((kind, name), "") != sql and not is_statistics:
            return f"{kind} {name}"
    try:
        connection.executescript(SCHEMA)
    except sqlite3.IntegrityError:
        raise ConfigurationError(f"{path} is damaged: use an earlier backup.") from None
    return None


def read_metadata(connection: sqlite3.Connection, name: str) -> Any:
    """Return a value of the metadata, or None."""
    row = connection.execute("SELECT value FROM metadata WHERE name = ?", (name,)).fetchone()
    return row and row[0]


@cache
def columns_of(table: str) -> Sequence[str]:
    """Return the columns of a table of records that repeat fields of these."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        names = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return tuple(name for (name,) in names if name not in ("id", "version", "body"))


@cache
def _known_objects() -> Mapping[tuple[str, str], str | None]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master")
        return {(kind, name): sql for kind, name, sql in rows}


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
