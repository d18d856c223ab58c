"""The metadata of a database: one row says which service and which keys it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.databases.records.database_metadata import (
    EMPTIED,
    METADATA_TABLE,
    DatabaseMetadata,
    check_schema_version,
)
from adapters.databases.records.newest_key import ENCRYPTION_KEY_ID
from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.record_store import Rows
from application.ports.errors import ConfigurationError, StorageUnavailable

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


# ruff: noqa: S608 -- the names are ours
_READ_KEY: Final = f"SELECT {ENCRYPTION_KEY_ID} FROM {METADATA_TABLE} WHERE id = 'database'"
_READ: Final = f"SELECT copy_mark FROM {METADATA_TABLE} WHERE id = 'database'"


@dataclass(frozen=True, slots=True)
class SqlCopyMark:
    """Reads and writes the mark."""

    rows: Rows
    dialect: Dialect

    async def read(self) -> str | None:
        [(mark,)] = await self.rows.read(_READ)
        return mark if isinstance(mark, str) else None

    async def write(self, mark: str | None, /) -> None:
        place = self.dialect.place
        sql = f"UPDATE {METADATA_TABLE} SET copy_mark = {place} WHERE id = 'database'"
        await self.rows.write(sql, (mark,))


@dataclass(frozen=True, slots=True)
class SqlKeyId:
    """Reads the id, and replaces it by compare and swap."""

    rows: Rows
    dialect: Dialect

    async def read(self) -> str | None:
        rows = await self.rows.read(_READ_KEY)
        if not rows:
            raise StorageUnavailable(EMPTIED)
        [(key_id,)] = rows
        return key_id if isinstance(key_id, str) else None

    async def replace(self, old: str | None, new: str, /) -> bool:
        place = self.dialect.place
        sql = (
            f"UPDATE {METADATA_TABLE} SET {ENCRYPTION_KEY_ID} = {place} "
            f"WHERE id = 'database' AND coalesce({ENCRYPTION_KEY_ID}, '') = {place}"
        )
        return bool(await self.rows.write(sql, (new, old or "")))
