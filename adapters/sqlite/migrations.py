"""The schema of the file, as a list of migrations.

- A record is JSON in `body` (`adapters.sqlite.mapping`). The other columns repeat what queries
  search for.
- Times in columns are microseconds since 1970 in UTC.
- A migration that was released is never changed.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from application.ports.errors import ConfigurationError

APPLICATION_ID: Final = 0x4449414C
"""The id in the header of the file that says it is Dialtone's: the letters DIAL."""

_INITIAL_SCHEMA: Final = """
CREATE TABLE metadata (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

INSERT INTO metadata (name, value) VALUES ('schema_version', 0), ('health_check_count', 0);

-- expires_at is NULL while the phone has an identity or is blocked.
CREATE TABLE phone_verifications (
    phone_index TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    expires_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX phone_verifications_expires_at ON phone_verifications (expires_at)
    WHERE expires_at IS NOT NULL;

CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    username_key TEXT,
    deleted_at INTEGER,
    purged_at INTEGER,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX identities_username_key ON identities (username_key)
    WHERE username_key IS NOT NULL;
CREATE INDEX identities_deleted_not_purged ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX identities_deleted_with_username ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND username_key IS NOT NULL;

CREATE TABLE media_items (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    storage_key TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    category TEXT,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    upload_deadline INTEGER NOT NULL,
    deletion_requested_at INTEGER,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX media_items_storage_key ON media_items (storage_key);
CREATE INDEX media_items_upload_deadline ON media_items (upload_deadline)
    WHERE state = 'pending';
CREATE INDEX media_items_deletion_requested_at ON media_items (deletion_requested_at)
    WHERE deletion_requested_at IS NOT NULL;

-- One for each combination of filters, so that every page is a range of an index.
CREATE INDEX media_items_page ON media_items (state, created_at, id);
CREATE INDEX media_items_page_owner_id ON media_items (state, owner_id, created_at, id);
CREATE INDEX media_items_page_kind ON media_items (state, kind, created_at, id);
CREATE INDEX media_items_page_category ON media_items (state, category, created_at, id);
CREATE INDEX media_items_page_owner_id_kind
    ON media_items (state, owner_id, kind, created_at, id);
CREATE INDEX media_items_page_owner_id_category
    ON media_items (state, owner_id, category, created_at, id);
CREATE INDEX media_items_page_kind_category
    ON media_items (state, kind, category, created_at, id);
CREATE INDEX media_items_page_owner_id_kind_category
    ON media_items (state, owner_id, kind, category, created_at, id);

-- A row for each reservation in a sliding window.
CREATE TABLE rate_limits (
    limit_name TEXT NOT NULL,
    acquired_at INTEGER NOT NULL,
    reservation_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (limit_name, acquired_at, reservation_id)
) WITHOUT ROWID;

CREATE INDEX rate_limits_expires_at ON rate_limits (expires_at);

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
"""

_HASHED_CLIENT_IPS: Final = """
-- When the first of the client IPs in it expires. Due at once in records of before, so that the
-- cleanup stores their client IPs as hashes.
ALTER TABLE phone_verifications ADD COLUMN client_ips_expire_at INTEGER;

UPDATE phone_verifications SET client_ips_expire_at = 0;

CREATE INDEX phone_verifications_client_ips_expire_at
    ON phone_verifications (client_ips_expire_at) WHERE client_ips_expire_at IS NOT NULL;

-- Their names contain client IPs.
DELETE FROM rate_limits WHERE limit_name LIKE '%:ip:%';
"""

_CALLS: Final = """
CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    identity_id TEXT,
    oldest_recording_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX calls_started_at ON calls (started_at, id);
CREATE INDEX calls_identity_id ON calls (identity_id, started_at, id)
    WHERE identity_id IS NOT NULL;
CREATE INDEX calls_oldest_recording_at ON calls (oldest_recording_at)
    WHERE oldest_recording_at IS NOT NULL;

CREATE TABLE delivery_reports (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX delivery_reports_expires_at ON delivery_reports (expires_at);
"""

_IDENTITY_CHANGES: Final = """
-- Which identities were changed last, by whomever: see adapters.sqlite.identity_cache.
CREATE TABLE identity_changes (
    number INTEGER PRIMARY KEY,
    identity_id TEXT NOT NULL
);

INSERT INTO identity_changes (number, identity_id) VALUES (0, '');

CREATE TRIGGER identities_updated AFTER UPDATE ON identities BEGIN
    INSERT INTO identity_changes (identity_id) VALUES (old.id);
    DELETE FROM identity_changes WHERE number <= last_insert_rowid() - 1000;
END;

CREATE TRIGGER identities_deleted AFTER DELETE ON identities BEGIN
    INSERT INTO identity_changes (identity_id) VALUES (old.id);
    DELETE FROM identity_changes WHERE number <= last_insert_rowid() - 1000;
END;
"""

_MEDIA_ITEM_CHANGES: Final = """
-- How often items were changed, by whomever: see adapters.sqlite.media_items.
INSERT INTO metadata (name, value) VALUES ('media_item_changes', 0);

CREATE TRIGGER media_items_added AFTER INSERT ON media_items BEGIN
    UPDATE metadata SET value = value + 1 WHERE name = 'media_item_changes';
END;

CREATE TRIGGER media_items_updated AFTER UPDATE ON media_items BEGIN
    UPDATE metadata SET value = value + 1 WHERE name = 'media_item_changes';
END;

CREATE TRIGGER media_items_deleted AFTER DELETE ON media_items BEGIN
    UPDATE metadata SET value = value + 1 WHERE name = 'media_item_changes';
END;
"""

MIGRATIONS: Final = (
    _INITIAL_SCHEMA,
    _HASHED_CLIENT_IPS,
    _CALLS,
    _IDENTITY_CHANGES,
    _MEDIA_ITEM_CHANGES,
)
"""The script at index n - 1 makes schema version n of version n - 1."""

_log = logging.getLogger(__name__)


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    key_fingerprint: str,
    migrations: Sequence[str] = MIGRATIONS,
) -> None:
    """Apply the missing migrations, all or none, also if several processes open the file.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    connection.execute("BEGIN IMMEDIATE")
    version = check_schema(connection, path, key_fingerprint, migrations)
    is_new = version == 0
    for script in migrations[version:]:
        for statement in split_statements(script):
            connection.execute(statement)
    if version < len(migrations):
        connection.execute(
            "UPDATE metadata SET value = ? WHERE name = 'schema_version'", (len(migrations),)
        )
    if is_new:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("INSERT INTO metadata VALUES ('key_fingerprint', ?)", (key_fingerprint,))
    connection.execute("COMMIT")
    if version < len(migrations):
        event = "database_created" if is_new else "database_migrated"
        _log.info({"event": event, "from_schema": version, "to_schema": len(migrations)})


def check_schema(
    connection: sqlite3.Connection,
    path: Path,
    key_fingerprint: str | None,
    migrations: Sequence[str] = MIGRATIONS,
) -> int:
    """Return the schema version of the file, or 0 if it is empty.

    Args:
        connection: To the file.
        path: For error messages.
        key_fingerprint: That of the keys; None if it is not known.
        migrations: Those that this version knows.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    if _is_new(connection, path):
        return 0
    version: int = _read_metadata(connection, "schema_version")
    if version > len(migrations):
        raise ConfigurationError(
            f"{path} was written by a newer version of Dialtone (schema {version}; this one "
            f"knows {len(migrations)}): start that version, or name another file."
        )
    if key_fingerprint not in (None, _read_metadata(connection, "key_fingerprint")):
        raise ConfigurationError(
            f"{path} was written with other keys: start with the secrets file that it was "
            "first opened with, or name another file."
        )
    return version


def split_statements(script: str) -> Iterator[str]:
    """Yield the statements of a script: `executescript` would commit before the first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


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


def _read_metadata(connection: sqlite3.Connection, name: str) -> Any:
    row = connection.execute("SELECT value FROM metadata WHERE name = ?", (name,)).fetchone()
    return row and row[0]
