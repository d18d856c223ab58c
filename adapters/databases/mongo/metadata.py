"""The metadata of a database: its schema version, its keys, and the health check."""

import logging
from dataclasses import dataclass
from typing import Final

import pymongo
from pymongo.errors import DuplicateKeyError

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.documents import METADATA_COLLECTION, collections
from adapters.databases.mongo.driver import MotorCollection, RawDocument, latest
from adapters.databases.records.database_metadata import EMPTIED, SCHEMA_VERSION, DatabaseMetadata
from application.ports.errors import ConfigurationError, StorageUnavailable

METADATA_ID: Final = "database"
COPY_MARK: Final = "copy_mark"
"""The field of the metadata that says what the database is in a copy."""
CREATION_TIMEOUT: Final = 60.0
"""Seconds for the first write: the first collection may wait for a checkpoint of all databases."""

_OTHER_PROGRAM: Final = "{location} has collections of another program: name another database."

_log = logging.getLogger(__name__)


async def check_metadata(
    database: MongoDatabase, location: str, key_fingerprint: str, *, is_copy: bool = False
) -> None:
    """Write the metadata of a new database, or check that of an existing one."""
    metadata = await _find(database) or await _create(database, location, key_fingerprint)
    _check(metadata, location, key_fingerprint, is_copy=is_copy)
    # A user who may only read would fail at the first request instead.
    await _write_check(database.motor[METADATA_COLLECTION])


async def inspect_metadata(
    database: MongoDatabase, location: str, key_fingerprint: str | None
) -> int | None:
    """Check as `check_metadata` does, and create nothing. Return the version, None if it is new."""
    version = await find_schema_version(database, location, key_fingerprint)
    # Without metadata, the check only needs the permission to write.
    await _write_check(database.motor[METADATA_COLLECTION])
    return version


async def find_schema_version(
    database: MongoDatabase, location: str, key_fingerprint: str | None, *, is_copy: bool = False
) -> int | None:
    """Return the schema version, or None if the database is new. Nothing is written.

    Raises:
        ConfigurationError: it belongs to another program, another version or other keys.
    """
    metadata = await _find(database)
    if metadata is not None:
        return _check(metadata, location, key_fingerprint, is_copy=is_copy)
    if await _find_collections(database):
        raise ConfigurationError(_OTHER_PROGRAM.format(location=location))
    return None


def _check(
    metadata: RawDocument, location: str, key_fingerprint: str | None, *, is_copy: bool = False
) -> int:
    schema_version = metadata.get("schema_version")
    if not isinstance(schema_version, int):
        raise ConfigurationError(_OTHER_PROGRAM.format(location=location))
    found = DatabaseMetadata(
        schema_version,
        metadata.get("key_fingerprint", ""),
        metadata.get(COPY_MARK),
    )
    found.check(location, key_fingerprint, is_copy=is_copy)
    return schema_version


@dataclass(frozen=True, slots=True)
class MongoHealthCheck:
    """Writes to the metadata, since a primary without a majority can still be read."""

    database: MongoDatabase
    collection: MotorCollection

    async def check(self) -> None:
        if problem := self.database.find_connection_problem():
            raise StorageUnavailable(problem)
        if self.database.deadlines.are_turns_taken:
            return
        if not await self.database.run(lambda: _write_check(self.collection)):
            raise StorageUnavailable(EMPTIED)


async def _write_check(metadata: MotorCollection) -> bool:
    """Write the time of the check; return whether the metadata exists."""
    result = await metadata.update_one(
        {"_id": METADATA_ID}, {"$currentDate": {"health_checked_at": True}}
    )
    return bool(result.matched_count)


async def _find(database: MongoDatabase) -> RawDocument | None:
    metadata = latest(database.motor[METADATA_COLLECTION])
    return await metadata.find_one({"_id": METADATA_ID})


async def _find_collections(database: MongoDatabase) -> list[str]:
    ours = {"name": {"$in": collections()}}
    return await database.motor.list_collection_names(filter=ours)


async def _create(database: MongoDatabase, location: str, key_fingerprint: str) -> RawDocument:
    existing = await _find_collections(database)
    # A new database gets its metadata first: another instance may have written it meanwhile.
    if existing and (metadata := await _find(database)):
        return metadata
    if existing:
        raise ConfigurationError(_OTHER_PROGRAM.format(location=location))
    metadata = {
        "_id": METADATA_ID,
        "schema_version": SCHEMA_VERSION,
        "key_fingerprint": key_fingerprint,
    }
    try:
        with pymongo.timeout(CREATION_TIMEOUT):
            await database.motor[METADATA_COLLECTION].insert_one(metadata)
    except DuplicateKeyError:
        return await _find(database) or metadata
    _log.info({"event": "database_created", "schema_version": SCHEMA_VERSION})
    return metadata
