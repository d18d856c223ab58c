"""Opening a database: its metadata, its indexes and its two stores."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pymongo.monitoring import CommandListener

from adapters.mongo.database import MongoDatabase, connect, create_indexes
from adapters.mongo.documents import METADATA_COLLECTION
from adapters.mongo.driver import errors_while_opening, location_of
from adapters.mongo.limit_store import MongoLimitStore
from adapters.mongo.metadata import MongoHealthCheck, check_metadata, inspect_metadata
from adapters.mongo.record_store import MongoRecordStore
from adapters.records.database import Database


@asynccontextmanager
async def open_mongo_database(url: str, key_fingerprint: str) -> AsyncIterator[Database]:
    """Open this database, which is created if it is new.

    Args:
        url: The URL of the database.
        key_fingerprint: The fingerprint of the keys.

    Raises:
        ConfigurationError: the database cannot be used; the message is for the operator.
    """
    async with open_database(url, key_fingerprint) as database:
        yield stores_in(database)


@asynccontextmanager
async def open_database(
    url: str, key_fingerprint: str, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[MongoDatabase]:
    """Connect to the database, check its metadata, and create missing indexes.

    Raises:
        ConfigurationError
    """
    location = location_of(url)
    async with connect(url, location, listeners) as database:
        with errors_while_opening(location, database.find_connection_problem):
            await check_metadata(database, location, key_fingerprint)
            await create_indexes(database, location)
        yield database


async def inspect_database(url: str, key_fingerprint: str | None) -> int | None:
    """Check whether `open_database` would succeed, without creating or changing anything.

    Args:
        url: The URL of the database.
        key_fingerprint: The fingerprint of the keys, if it is known.

    Returns:
        The schema version, or None if the database is new.

    Raises:
        ConfigurationError
    """
    location = location_of(url)
    async with connect(url, location) as database:
        with errors_while_opening(location, database.find_connection_problem):
            return await inspect_metadata(database, location, key_fingerprint)


def stores_in(database: MongoDatabase) -> Database:
    """Return the stores over an open database."""
    return Database(
        records=MongoRecordStore(database),
        limits=MongoLimitStore(database),
        health=MongoHealthCheck(database, database.motor[METADATA_COLLECTION]),
    )
