"""The metadata of a database: one row says which service and which keys it belongs to."""

from collections.abc import Sequence
from typing import Any, Final

from adapters.databases.records.database_metadata import (
    METADATA_TABLE,
    DatabaseMetadata,
    check_schema_version,
)
from adapters.databases.records.newest_key import ENCRYPTION_KEY_ID
from adapters.databases.sql.dialect import Dialect
from application.ports.errors import ConfigurationError

OTHER_PROGRAM: Final = "{location} has tables of another program: name another database."
CREATE_METADATA: Final = (
    f"CREATE TABLE {METADATA_TABLE} (id text NOT NULL PRIMARY KEY, "
    "schema_version integer NOT NULL, key_fingerprint text NOT NULL, "
    f"{ENCRYPTION_KEY_ID} text, copy_mark text, health_check_count bigint NOT NULL DEFAULT 0)"
)
# ruff: noqa: S608 -- the names are ours
FIND_METADATA: Final = f"SELECT * FROM {METADATA_TABLE} WHERE id = 'database'"
WRITE_CHECK: Final = f"""
UPDATE {METADATA_TABLE} SET health_check_count = health_check_count + 1 WHERE id = 'database'
"""
"""It changes nothing that is used."""


def insert_metadata(dialect: Dialect) -> str:
    """Return the statement that adds the metadata of a new database: schema version, keys."""
    return f"""
    INSERT INTO {METADATA_TABLE} (id, schema_version, key_fingerprint)
    VALUES ('database', {dialect.place}, {dialect.place})
    """


def read_metadata(
    columns: Sequence[Sequence[Any]] | None, rows: Sequence[Sequence[Any]], location: object
) -> DatabaseMetadata:
    """Return the metadata.

    Raises:
        ConfigurationError: Another program or another version has written the database.
    """
    fields = {
        column[0]: value for row in rows for column, value in zip(columns or (), row, strict=True)
    }
    try:
        check_schema_version(fields["schema_version"], location)
        return DatabaseMetadata(
            fields["schema_version"],
            fields["key_fingerprint"],
            fields["copy_mark"],
        )
    except KeyError:
        raise ConfigurationError(OTHER_PROGRAM.format(location=location)) from None
