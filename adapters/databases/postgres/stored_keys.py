"""Which keys a database needs."""

from base64 import b64decode
from collections import Counter

from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.metadata import find_metadata
from adapters.databases.postgres.opening import connect
from adapters.databases.postgres.url import parse_url
from adapters.databases.records.stored_keys import KINDS_WITH_PHONE, StoredKeys
from adapters.databases.sql.statements import count_phones
from application.ports.errors import ConfigurationError


async def find_stored_keys(url: str) -> StoredKeys:
    """Return the keys that a database needs; nothing is changed.

    Raises:
        ConfigurationError: It cannot be read, or is empty.
    """
    parsed = parse_url(url)
    counts = Counter[bytes]()
    async with (
        connect(parsed) as connection,
        connection.transaction(force_rollback=True),
    ):
        # Read a single snapshot, as a dump does.
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        metadata = await find_metadata(connection, parsed.location)
        if metadata is None:
            raise ConfigurationError(f"{parsed.location} is empty: name another database.")
        for kind in KINDS_WITH_PHONE:
            cursor = await connection.execute(count_phones(POSTGRES, kind))
            rows = await cursor.fetchall()
            counts.update({b64decode(prefix): count for prefix, count in rows})
    return StoredKeys(metadata.key_fingerprint, counts)
