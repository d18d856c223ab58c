"""Writes documents by id: those that arrive together go out in one command."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    NotPrimaryError,
    OperationFailure,
    WriteError,
)

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.driver import MotorCollection, RawDocument, port_error
from adapters.databases.records.batches import BatchQueue, Entry
from adapters.shared.causes import describe_error
from application.ports.errors import PortError, StorageTimeout

Update = Mapping[str, Any] | list[Mapping[str, Any]]
"""Operators, or the stages of a pipeline."""
_Write = InsertOne[Any] | UpdateOne
_Errors = Mapping[int, Mapping[str, Any]]
"""The server's errors of the writes that it has not done, by their positions."""

MAX_BATCHED_BYTES: Final = 400_000
"""A larger document goes alone. So a batch is one message of the driver, which has up to 48 MB, and
none of its documents is too large: the server would reject the whole command."""

# Codes of MongoDB's error_codes.yml.
_DUPLICATE_KEY: Final = 11000
_IMMUTABLE_FIELD: Final = 66
_SHARD_KEY_NOT_FOUND: Final = 61

_NEVER_INSERTED: Final = {"$setOnInsert": {"_id": None}}
_IS_NEW: Final = {"$eq": [{"$type": "$schema_version"}, "missing"]}
_NEVER_INSERTED_STAGE: Final = {"$set": {"_id": {"$cond": [_IS_NEW, None, "$_id"]}}}


class DocumentWriter:
    """Inserts and updates documents of a collection, in batches."""

    def __init__(self, database: MongoDatabase, collection: MotorCollection) -> None:
        self._database = database
        self._collection = collection
        # A batch of both would be two commands, of which one may be done before the other fails.
        self._inserts = BatchQueue[RawBSONDocument, bool](self._insert_all, collection.name)
        self._updates = BatchQueue[tuple[RawDocument, Update], bool](
            self._update_all, collection.name
        )
        database.batches.extend([self._inserts, self._updates])

    async def insert(self, document: RawDocument) -> None:
        encoded = _encode(document)
        if len(encoded.raw) > MAX_BATCHED_BYTES:
            await self._insert(encoded)
        else:
            await self._database.wait(lambda: self._inserts.add(encoded), StorageTimeout)

    async def update(self, query: RawDocument, update: Update) -> bool:
        """Update the document that a query by `_id` finds; return whether it found one."""
        encoded = _encode({"update": update})
        write = query, encoded["update"]
        if len(encoded.raw) > MAX_BATCHED_BYTES:
            return await self._update(*write)
        return await self._database.wait(lambda: self._updates.add(write), StorageTimeout)

    async def _insert(self, document: RawBSONDocument) -> bool:
        await self._database.run(lambda: self._collection.insert_one(document))
        return True

    async def _update(self, query: RawDocument, update: Update) -> bool:
        result = await self._database.run(lambda: self._collection.update_one(query, update))
        return result.matched_count == 1

    async def _insert_all(self, entries: Sequence[Entry[RawBSONDocument, bool]]) -> None:
        if len(entries) == 1:
            entries[0].resolve(await self._insert(entries[0].content))
        else:
            await self._write_all(entries, [InsertOne(entry.content) for entry in entries])

    async def _update_all(self, entries: Sequence[Entry[tuple[RawDocument, Update], bool]]) -> None:
        if len(entries) > 1:
            await self._write_all(
                entries,
                [
                    UpdateOne(query, _never_inserting(update), upsert=True)
                    for query, update in (entry.content for entry in entries)
                ],
            )
        for entry in entries:
            if entry.is_wanted:
                entry.resolve(await self._update(*entry.content))

    async def _write_all(
        self,
        entries: Sequence[Entry[Any, bool]],
        writes: Sequence[_Write],
    ) -> None:
        """Give each entry its result, unless it has to be written alone."""
        errors = await self._database.run(lambda: self._bulk_write(writes))
        for position, entry in enumerate(entries):
            match errors.get(position):
                case None:
                    entry.resolve(True)
                case {"code": code} if code == _IMMUTABLE_FIELD:
                    entry.resolve(False)
                case {"code": code} if code == _SHARD_KEY_NOT_FOUND:
                    # A cluster that distributes documents by another field inserts none.
                    pass
                case error:
                    entry.fail(_port_error(error))

    async def _bulk_write(self, writes: Sequence[_Write]) -> _Errors:
        try:
            await self._collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            details: Mapping[str, Any] = error.details or {}
            if details["writeConcernErrors"]:
                raise
            return {each["index"]: each for each in details["writeErrors"]}
        except (NotPrimaryError, OperationFailure) as error:
            # The command was ended, and some of the writes may have been done before.
            raise StorageTimeout(describe_error(error)) from None
        return {}


def _encode(document: Mapping[str, Any]) -> RawBSONDocument:
    """Return a document in BSON, so that one that cannot be encoded is in no batch."""
    try:
        return RawBSONDocument(bson.encode(document))
    except BSONError as error:
        raise port_error(error) from None


def _never_inserting(update: Update) -> Update:
    """Return an update whose upsert is rejected if it finds no document.

    The server counts the updates of a command that found a document, and does not say which. But it
    names those that it rejects: here, the `_id` of a new document would not be that of the query.
    """
    if isinstance(update, list):
        return [_NEVER_INSERTED_STAGE, *update]
    return {**update, **_NEVER_INSERTED}


def _port_error(error: Mapping[str, Any]) -> PortError:
    code = error["code"]
    raised = DuplicateKeyError if code == _DUPLICATE_KEY else WriteError
    return port_error(raised(error["errmsg"], code, error))
