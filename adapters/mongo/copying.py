"""A database as source or target of a copy."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from pymongo import ASCENDING, DESCENDING

from adapters.mongo.database import MongoDatabase, connect, create_indexes
from adapters.mongo.documents import METADATA_COLLECTION, collections
from adapters.mongo.driver import (
    BulkWriteStopped,
    DuplicateKey,
    RawDocument,
    errors_while_opening,
    latest,
    location_of,
)
from adapters.mongo.metadata import COPY_MARK, METADATA_ID, check_metadata, find_schema_version
from adapters.mongo.undeclared_collections import has_undeclared
from adapters.records.copy_marks import CopyMark, decode_mark, encode_mark
from adapters.records.limits import LIMITS
from adapters.records.raw_records import (
    NOT_ACCEPTED,
    NOT_COMPLETED,
    RawRecord,
    make_raw_record,
    reading,
)
from adapters.records.record_kind import RecordKind
from adapters.records.record_repository import make_first_version
from application.ports.errors import ConfigurationError, StorageError, StorageUnavailable

T = TypeVar("T")

_LARGE_NUMBER: Final = (
    "{location} cannot store a record of {kind}, because it has a number of more than 64 bits: "
    "repair it in the source first."
)
_NO_DOCUMENT_FIELDS: Final = ("_id", "version")


@asynccontextmanager
async def open_existing(url: str, key_fingerprint: str | None) -> AsyncIterator["MongoCopy | None"]:
    """Open a database as it is, also beside a service. Yield None if it is new.

    Raises:
        ConfigurationError: It cannot be used.
    """
    location = location_of(url)
    async with connect(url, location) as database:
        with errors_while_opening(location, database.find_connection_problem):
            version = await find_schema_version(database, location, key_fingerprint, is_copy=True)
        yield None if version is None else MongoCopy(database, location)


@asynccontextmanager
async def open_source(url: str, key_fingerprint: str) -> AsyncIterator["MongoCopy | None"]:
    """Open a database to copy it. Yield None if it is new.

    The records of instances say whether a service uses it.

    Raises:
        ConfigurationError: It cannot be used, or the user may not write the mark.
    """
    async with open_existing(url, key_fingerprint) as source:
        if source is not None:
            await source.check_writable(key_fingerprint)
        yield source


@asynccontextmanager
async def open_target(url: str, key_fingerprint: str) -> AsyncIterator["MongoCopy"]:
    """Open a database. Its collections and indexes are created if they are missing.

    Raises:
        ConfigurationError: It cannot be used.
    """
    location = location_of(url)
    async with connect(url, location) as database:
        with errors_while_opening(location, database.find_connection_problem):
            await check_metadata(database, location, key_fingerprint, is_copy=True)
            await create_indexes(database, location)
        yield MongoCopy(database, location)


class MongoCopy:
    """A `CopyableDatabase`."""

    def __init__(self, database: MongoDatabase, location: str) -> None:
        """Use an open database at this place."""
        self.location = f"mongodb://{location}"
        self._database = database

    async def check_writable(self, key_fingerprint: str) -> None:
        """Check that the user may write.

        Raises:
            ConfigurationError
        """
        database, location = self._database, self.location
        with errors_while_opening(location, database.find_connection_problem):
            await check_metadata(database, location, key_fingerprint, is_copy=True)

    async def read_mark(self) -> CopyMark | None:
        metadata = latest(self._database.motor[METADATA_COLLECTION])
        document = await self._run(lambda: metadata.find_one({"_id": METADATA_ID}))
        return decode_mark((document or {}).get(COPY_MARK), self.location)

    async def write_mark(self, mark: CopyMark | None, /) -> None:
        metadata = self._database.motor[METADATA_COLLECTION]
        update = {"$set": {COPY_MARK: encode_mark(mark)}} if mark else {"$unset": {COPY_MARK: 1}}
        await self._run(lambda: metadata.update_one({"_id": METADATA_ID}, update))

    async def list_unknown(self) -> Sequence[str]:
        names = await self._run(self._database.motor.list_collection_names)
        return sorted(
            name for name in {*names} - {*collections()} if not name.startswith("system.")
        )

    async def has_undeclared(self, name: str, /) -> bool:
        return await has_undeclared(self._database, name)

    async def count(self, kind: RecordKind[Any], /) -> int:
        collection = self._database.motor[kind.name]
        return await self._run(collection.estimated_document_count)

    async def find_last_id(self, kind: RecordKind[Any], /) -> str:
        collection = latest(self._database.motor[kind.name])
        last = [("_id", DESCENDING)]
        document = await self._run(lambda: collection.find_one({}, {"_id": 1}, sort=last))
        return document["_id"] if document else ""

    async def scan(
        self, kind: RecordKind[Any], after_id: str, limit: int, /
    ) -> Sequence[RawRecord]:
        cursor = latest(self._database.motor[kind.name]).find(
            {"_id": {"$gt": after_id}}, sort=[("_id", ASCENDING)], limit=limit, batch_size=limit
        )
        documents = await self._run(lambda: cursor.to_list(None))
        with reading(kind, self.location):
            return [_read(kind, document) for document in documents]

    async def add(self, kind: RecordKind[Any], records: Sequence[RawRecord], /) -> None:
        # Every other database gives limits no version. A random one is never used again.
        documents = [
            {
                "_id": record.id,
                "version": make_first_version() if kind is LIMITS else record.version,
                **record.fields,
            }
            for record in records
        ]
        collection = self._database.motor[kind.name]
        try:
            await self._run(lambda: collection.insert_many(documents))
        except (BulkWriteStopped, DuplicateKey):
            text = NOT_ACCEPTED.format(kind=kind.name, location=self.location)
            raise ConfigurationError(text) from None
        except OverflowError:
            text = _LARGE_NUMBER.format(kind=kind.name, location=self.location)
            raise ConfigurationError(text) from None

    async def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call to the driver.

        Raises:
            BulkWriteStopped
            DuplicateKey
            StorageError: Another reason; the text names the database.
        """
        try:
            return await self._database.run(call)
        except BulkWriteStopped:
            raise
        except StorageError as error:
            text = NOT_COMPLETED.format(location=self.location, cause=error)
            raise StorageUnavailable(text) from None


def _read(kind: RecordKind[Any], document: RawDocument) -> RawRecord:
    version = document.get("version")
    if not isinstance(version, int):
        raise TypeError
    fields = {name: field for name, field in document.items() if name not in _NO_DOCUMENT_FIELDS}
    record_version = 0 if kind is LIMITS else int(version)
    return make_raw_record(kind, document["_id"], record_version, fields)
