"""Which keys a database needs."""

from collections import Counter
from typing import Any, Final

import pymongo

from adapters.databases.mongo.database import BUILD_TIMEOUT, MongoDatabase, connect
from adapters.databases.mongo.documents import METADATA_COLLECTION
from adapters.databases.mongo.driver import latest, location_of
from adapters.databases.mongo.metadata import METADATA_ID, find_schema_version
from adapters.databases.records.kinds import ENCRYPTED_PHONE
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.records.stored_keys import KINDS_WITH_PHONE, PREFIX_BYTES, StoredKeys
from application.ports.errors import ConfigurationError

_BATCH_SIZE: Final = 5000


async def find_stored_keys(url: str) -> StoredKeys:
    """Return the keys that a database needs; nothing is changed.

    Raises:
        ConfigurationError: It cannot be read, or is empty.
    """
    location = location_of(url)
    counts = Counter[bytes]()
    async with connect(url, location) as database:
        with database.errors_while_opening(location):
            if await find_schema_version(database, location, None) is None:
                raise ConfigurationError(f"{location} is empty: name another database.")
            metadata = database.motor[METADATA_COLLECTION]
            found = await latest(metadata).find_one({"_id": METADATA_ID}) or {}
            with pymongo.timeout(BUILD_TIMEOUT):
                for kind in KINDS_WITH_PHONE:
                    counts += await _count_ciphertexts(database, kind)
    return StoredKeys(found["key_fingerprint"], counts)


async def _count_ciphertexts(database: MongoDatabase, kind: RecordKind[Any]) -> Counter[bytes]:
    """Count them here: MongoDB has no expression for a part of binary data."""
    counts = Counter[bytes]()
    cursor = database.motor[kind.name].find({}, {ENCRYPTED_PHONE: 1}, batch_size=_BATCH_SIZE)
    while documents := await cursor.to_list(_BATCH_SIZE):
        counts.update(
            document[ENCRYPTED_PHONE][:PREFIX_BYTES]
            for document in documents
            if ENCRYPTED_PHONE in document
        )
    return counts
