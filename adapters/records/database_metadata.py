"""What a database says of itself: its schema version, and the keys that it was written with."""

from dataclasses import dataclass
from typing import Final

from adapters.records.copy_marks import check_mark
from application.ports.errors import ConfigurationError, OtherKeys

EMPTIED: Final = "the database was emptied after it was opened"
_OTHER_SCHEMA: Final = (
    "{location} was written by another version of Dialtone (schema {stored}; this version knows "
    "{known}): start that version, or name another database."
)
_OTHER_KEYS: Final = (
    "{location} was written with other keys: start with the keys that it was first opened with, or "
    "name another database."
)
UNFINISHED: Final = (
    "The change of the index key of {location} is not finished: run `dialtone rotate-index-key` "
    "again."
)


@dataclass(frozen=True, slots=True)
class DatabaseMetadata:
    """The metadata of a database on a server.

    Attributes:
        schema_version: The version of the program that created the database.
        key_fingerprint: The fingerprint of the keys.
        unfinished_index_key: While the index key is changed, the fingerprint of the keys before.
        copy_mark: Its part in a copy of the database, as it is stored.
    """

    schema_version: int
    key_fingerprint: str
    unfinished_index_key: str | None
    copy_mark: str | None = None

    def check(
        self,
        location: str,
        schema_version: int,
        key_fingerprint: str | None,
        *,
        is_copy: bool = False,
    ) -> None:
        """Check that this program may use the database.

        Args:
            location: Hosts and name of the database.
            schema_version: What this program knows.
            key_fingerprint: The fingerprint of its keys, if it is known.
            is_copy: Accept a database that was copied, or is not complete.

        Raises:
            ConfigurationError: Another version or other keys have written it, a change of the index
                key is not finished, or it was copied.
        """
        if self.schema_version != schema_version:
            raise ConfigurationError(
                _OTHER_SCHEMA.format(
                    location=location, stored=self.schema_version, known=schema_version
                )
            )
        if self.unfinished_index_key is not None:
            raise ConfigurationError(UNFINISHED.format(location=location))
        if key_fingerprint not in (None, self.key_fingerprint):
            raise OtherKeys(_OTHER_KEYS.format(location=location))
        if not is_copy:
            check_mark(self.copy_mark, location)
