"""What a database says of itself: its schema version, and the keys that it was written with."""

from dataclasses import dataclass
from typing import Final

from adapters.databases.records.copy_marks import check_mark
from adapters.databases.records.retention import Retention
from application.ports.errors import ConfigurationError, OtherKeys

SCHEMA_VERSION: Final = 5
"""The version of the schema of databases. 1 was that of 0.1.0; those after it, of commits."""
EMPTIED: Final = "the database was emptied after it was opened"
METADATA_TABLE: Final = "database_metadata"
METADATA_RETENTION: Final = Retention(
    "fingerprint of the keys, id of the newest one, marks of a copy, checks",
    "id key_fingerprint encryption_key_id copy_mark health_checked_at health_check_count",
    "for ever",
)
_BEFORE_0_2_0: Final = (
    "{location} was written by Dialtone 0.1.0, or by a commit before 0.2.0 (schema {stored}), "
    "and no later version reads that: begin with an empty database."
)
_OTHER_SCHEMA: Final = (
    "{location} was written by another version of Dialtone (schema {stored}; this version knows "
    "{known}): start that version, or name another database."
)
_OTHER_KEYS: Final = (
    "{location} was written with other keys: start with the keys that it was first opened with, or "
    "name another database."
)


def check_schema_version(stored: object, location: object) -> None:
    """Check that this program may read and write a database.

    Raises:
        ConfigurationError: Another version has written it.
    """
    if stored in range(1, SCHEMA_VERSION):
        raise ConfigurationError(_BEFORE_0_2_0.format(location=location, stored=stored))
    if stored != SCHEMA_VERSION:
        raise ConfigurationError(
            _OTHER_SCHEMA.format(location=location, stored=stored, known=SCHEMA_VERSION)
        )


@dataclass(frozen=True, slots=True)
class DatabaseMetadata:
    """The metadata of a database on a server."""

    schema_version: int
    key_fingerprint: str
    copy_mark: str | None = None

    def check(
        self,
        location: str,
        key_fingerprint: str | None,
        *,
        is_copy: bool = False,
    ) -> None:
        """Check that this program may use the database.

        `key_fingerprint` is None if it is not known. `is_copy` accepts a database that was
        copied, or is not complete.
        """
        check_schema_version(self.schema_version, location)
        if key_fingerprint not in (None, self.key_fingerprint):
            raise OtherKeys(_OTHER_KEYS.format(location=location))
        if not is_copy:
            check_mark(self.copy_mark, location)
