"""Which keys a file needs. It may be in use, or a backup."""

import sqlite3
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.databases.records.stored_keys import KINDS_WITH_PHONE, StoredKeys
from adapters.databases.sql.statements import count_phones
from adapters.databases.sqlite.database import is_present
from adapters.databases.sqlite.dialect import SQLITE
from adapters.databases.sqlite.errors import SQLITE_ERRORS, to_startup_error
from adapters.databases.sqlite.schema import check_schema
from application.ports.errors import ConfigurationError


async def find_stored_keys(path: Path) -> StoredKeys:
    """Return the keys that a file needs; nothing is changed.

    Raises:
        ConfigurationError: It is no complete database of Dialtone.
    """
    if not is_present(path):
        raise ConfigurationError(f"{path} does not exist: name a database, or a backup of one.")
    with connect_to_read(path) as connection:
        metadata = check_schema(connection, path, None, is_copy=True)
        if metadata is None:
            raise ConfigurationError(f"{path} is empty: name a database, or a backup of one.")
        counts = Counter[bytes]()
        for kind in KINDS_WITH_PHONE:
            rows = connection.execute(count_phones(SQLITE, kind))
            counts.update({b64decode(prefix): count for prefix, count in rows})
        return StoredKeys(metadata.key_fingerprint, counts)


@contextmanager
def connect_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Read one state of a file. It may be in use; nothing is written or left beside it."""
    # A backup may be in a folder that is read-only. A file in use has a log beside it.
    has_log = path.with_name(f"{path.name}-wal").exists()
    url = f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection
    except SQLITE_ERRORS as error:
        raise to_startup_error(path, error) from error
