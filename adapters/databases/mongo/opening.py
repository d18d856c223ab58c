"""Opening a database: its metadata, its indexes and its two stores."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from pymongo.monitoring import CommandListener

from adapters.databases.mongo.database import MongoDatabase, connect, create_indexes
from adapters.databases.mongo.documents import METADATA_COLLECTION
from adapters.databases.mongo.driver import latest, location_of
from adapters.databases.mongo.limit_store import MongoLimitStore
from adapters.databases.mongo.metadata import (
    COPY_MARK,
    METADATA_ID,
    MongoHealthCheck,
    check_metadata,
    find_schema_version,
    inspect_metadata,
)
from adapters.databases.mongo.record_store import MongoRecordStore
from adapters.databases.records.database import CopyableDatabase, Database
from adapters.databases.records.database_metadata import EMPTIED
from adapters.databases.records.newest_key import ENCRYPTION_KEY_ID
from application.ports.errors import StorageUnavailable


@asynccontextmanager
async def open_mongo_database(url: str, key_fingerprint: str) -> AsyncIterator[Database]:
    """Open this database, which is created if it is new."""
    async with open_database(url, key_fingerprint) as database:
        yield stores_in(database)


@asynccontextmanager
async def open_database(
    url: str,
    key_fingerprint: str,
    listeners: Sequence[CommandListener] = (),
    *,
    is_copy: bool = False,
) -> AsyncIterator[MongoDatabase]:
    """Connect to the database, check its metadata, and create missing indexes."""
    location = location_of(url)
    async with connect(url, location, listeners) as database:
        with database.errors_while_opening(location):
            await check_metadata(database, location, key_fingerprint, is_copy=is_copy)
            await create_indexes(database, location)
        yield database


@asynccontextmanager
async def open_existing(
    url: str, key_fingerprint: str | None
) -> AsyncIterator[CopyableDatabase | None]:
    """Open a database as it is, also beside a service. Yield None if it is new."""
    location = location_of(url)
    async with connect(url, location) as database:
        with database.errors_while_opening(location):
            version = await find_schema_version(database, location, key_fingerprint, is_copy=True)
        yield None if version is None else _copyable(database, location)


@asynccontextmanager
async def open_to_copy(url: str, key_fingerprint: str) -> AsyncIterator[CopyableDatabase]:
    """Open a database. What is missing is created."""
    async with open_database(url, key_fingerprint, is_copy=True) as database:
        yield _copyable(database, location_of(url))


@dataclass(frozen=True, slots=True)
class MongoCopyMark:
    """A field of the metadata."""

    database: MongoDatabase

    async def read(self) -> str | None:
        metadata = latest(self.database.motor[METADATA_COLLECTION])
        document = await self.database.run(lambda: metadata.find_one({"_id": METADATA_ID}))
        return (document or {}).get(COPY_MARK)

    async def write(self, mark: str | None, /) -> None:
        metadata = self.database.motor[METADATA_COLLECTION]
        update = {"$set": {COPY_MARK: mark}} if mark else {"$unset": {COPY_MARK: 1}}
        await self.database.run(lambda: metadata.update_one({"_id": METADATA_ID}, update))


@dataclass(frozen=True, slots=True)
class MongoKeyId:
    """A field of the metadata, replaced by compare and swap."""

    database: MongoDatabase

    async def read(self) -> str | None:
        metadata = latest(self.database.motor[METADATA_COLLECTION])
        document = await self.database.run(lambda: metadata.find_one({"_id": METADATA_ID}))
        if document is None:
            raise StorageUnavailable(EMPTIED)
        key_id = document.get(ENCRYPTION_KEY_ID)
        return key_id if isinstance(key_id, str) else None

    async def replace(self, old: str | None, new: str, /) -> bool:
        metadata = self.database.motor[METADATA_COLLECTION]
        expected = {"_id": METADATA_ID, ENCRYPTION_KEY_ID: old}  # None is a missing one, too
        update = {"$set": {ENCRYPTION_KEY_ID: new}}
        result = await self.database.run(lambda: metadata.update_one(expected, update))
        return bool(result.matched_count)


async def inspect_database(url: str, key_fingerprint: str | None) -> int | None:
    """Check as `open_database` does, and write nothing. Return the version, None if it is new."""
    location = location_of(url)
    async with connect(url, location) as database:
        with database.errors_while_opening(location):
            return await inspect_metadata(database, location, key_fingerprint)


async def locate_missing(url: str) -> str | None:
    """Return where the database is if it has no metadata, otherwise None. Nothing is written."""
    async with open_existing(url, None) as database:
        return f"mongodb://{location_of(url)}" if database is None else None


def stores_in(database: MongoDatabase) -> Database:
    """Return the stores over an open database."""
    return Database(
        records=MongoRecordStore(database),
        limits=MongoLimitStore(database),
        health=MongoHealthCheck(database, database.motor[METADATA_COLLECTION]),
        read_time=lambda: _read_time(database),
        newest_key=MongoKeyId(database),
    )


async def _read_time(database: MongoDatabase) -> datetime:
    described: Any = await database.run(lambda: database.motor.command("hello"))
    return cast("datetime", described["localTime"]).replace(tzinfo=UTC)


@asynccontextmanager
async def open_time(url: str) -> AsyncIterator[Callable[[], Awaitable[datetime]]]:
    """Yield what reads the time of a database that need not be one of this service."""
    async with connect(url, location_of(url)) as database:
        yield lambda: _read_time(database)


def _copyable(database: MongoDatabase, location: str) -> CopyableDatabase:
    records = MongoRecordStore(database)
    mark, newest_key = MongoCopyMark(database), MongoKeyId(database)
    return CopyableDatabase(f"mongodb://{location}", records, mark, newest_key)
