"""Which keys a database needs."""

from base64 import b64decode
from collections import Counter
from typing import Final

from adapters.postgres.metadata import find_metadata
from adapters.postgres.opening import connect
from adapters.postgres.url import parse_url
from adapters.records.kinds import ENCRYPTED_PHONE
from adapters.records.stored_keys import KINDS_WITH_PHONE, PREFIX_BYTES, StoredKeys
from application.ports.errors import ConfigurationError

_PREFIX_CHARACTERS: Final = PREFIX_BYTES * 4 // 3
"""In base64, three bytes are four characters."""


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
        # One moment, as that of a dump.
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        metadata = await find_metadata(connection, parsed.location)
        if metadata is None:
            raise ConfigurationError(f"{parsed.location} is empty: name another database.")
        for kind in KINDS_WITH_PHONE:
            cursor = await connection.execute(
                f"SELECT left(body->>'{ENCRYPTED_PHONE}', {_PREFIX_CHARACTERS}), count(*) "  # noqa: S608 -- our names
                f"FROM {kind.name} WHERE body ? '{ENCRYPTED_PHONE}' GROUP BY 1"
            )
            rows = await cursor.fetchall()
            counts.update({b64decode(prefix): count for prefix, count in rows})
    return StoredKeys(metadata.key_fingerprint, counts)
