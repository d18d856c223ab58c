"""The database of another service, whose collections are only read."""

from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING, ReadPreference
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from adapters.databases.mongo.database import MongoDatabase, connect
from adapters.databases.mongo.driver import (
    MotorCollection,
    RawDocument,
    location_of,
)
from adapters.databases.records.outages import OutageRetries
from application.features.imports.ports import Document
from application.ports.errors import ConfigurationError, StorageError, StorageUnavailable

PAGE_SIZE: Final = 512
_UNAUTHORIZED: Final = 13
_MAX_ID_LENGTH: Final = 64


class MongoDocuments:
    """Reads a collection in the order of the ids."""

    def __init__(self, database: MongoDatabase, name: str, page_size: int) -> None:
        """Read from a secondary, if there is one: the other service may be running."""
        self._database = database
        self._page_size = page_size
        self._retry = OutageRetries()
        self._collection: MotorCollection = database.motor.with_options(
            # One text that is not UTF-8 is no reason to read nothing.
            codec_options=database.motor.codec_options.with_options(
                unicode_decode_error_handler="replace"
            ),
            read_preference=ReadPreference.SECONDARY_PREFERRED,
            read_concern=ReadConcern("local"),
        )[name]

    async def count(self) -> int:
        with _errors_of_source():
            return await self._retry(
                lambda: self._database.run(self._collection.estimated_document_count)
            )

    async def read(self) -> AsyncIterator[Document]:
        # One query for each page: the server forgets a cursor after ten minutes.
        after: dict[str, Any] = {}
        while page := await self._find({"$type": "objectId", **after}, self._page_size):
            for document in page:
                yield _to_document(document)
            after = {"$gt": page[-1]["_id"]}
        # Only ids of one type have an order that a query can continue.
        for document in await self._find({"$not": {"$type": "objectId"}}, 0):
            yield _to_document(document)

    async def _find(self, ids: dict[str, Any], limit: int) -> list[RawDocument]:
        def find() -> Awaitable[list[RawDocument]]:
            # A cursor that has failed cannot be read again.
            cursor = self._collection.find({"_id": ids}, limit=limit, sort=[("_id", ASCENDING)])
            return self._database.run(lambda: cursor.to_list(None))

        with _errors_of_source():
            return await self._retry(find)


class SourceDatabase:
    """An open database.

    Attributes:
        location: Where it is, without user and password.
        names: The names of its collections.
    """

    def __init__(self, database: MongoDatabase, location: str, names: Collection[str]) -> None:
        """Use an open database; see `open_source_database`."""
        self._database = database
        self.location = location
        self.names = names

    def collection(self, name: str, page_size: int = PAGE_SIZE) -> MongoDocuments:
        """Return a collection, which counts as empty if it does not exist."""
        return MongoDocuments(self._database, name, page_size)


@asynccontextmanager
async def open_source_database(
    url: str, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[SourceDatabase]:
    """Open the database of another service for reading.

    Raises:
        ConfigurationError: It cannot be read.
    """
    location = location_of(url)
    async with connect(url, location, listeners) as database:
        with database.errors_while_opening(location):
            try:
                names = await database.motor.list_collection_names()
            except OperationFailure as error:
                if error.code != _UNAUTHORIZED:
                    raise
                raise ConfigurationError(
                    f"{location} does not let this user read: grant it read on that database, or "
                    "name another user in the URL."
                ) from None
        yield SourceDatabase(database, location, names)


@contextmanager
def _errors_of_source() -> Iterator[None]:
    """Say that it is the older database which does not answer."""
    try:
        yield
    except StorageError as error:
        raise StorageUnavailable(f"the database of the older service: {error}") from None


def _to_document(document: RawDocument) -> Document:
    document_id = document["_id"]
    return Document(
        str(document_id)[:_MAX_ID_LENGTH],
        document_id.generation_time if isinstance(document_id, ObjectId) else None,
        {name: value for name, value in document.items() if name != "_id"},
    )
