"""Loads documents by id: those that are wanted together in one query."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.driver import MotorCollection, RawDocument
from adapters.databases.records.batch_loader import BatchLoader
from application.ports.errors import ERRORS_OF_RECORDS, PortError, StorageUnavailable


class DocumentLoader:
    """Loads documents of a collection by id, in batches."""

    def __init__(self, database: MongoDatabase, collection: MotorCollection) -> None:
        self._database = database
        self._collection = collection
        self._loader = BatchLoader(self._fetch, collection.name)
        database.batches.append(self._loader)

    async def load_many(self, ids: Collection[str]) -> Mapping[str, RawDocument]:
        """Return the documents that exist, by id; other callers may get the same objects."""
        return await self._database.wait(lambda: self._loader.load_many(ids), StorageUnavailable)

    async def load_each(self, ids: Collection[str]) -> Mapping[str, RawDocument | PortError]:
        """Return the documents that exist, by id; the error of a damaged one is in its place."""
        loads = map(self._loader.load, ids)
        loaded = await asyncio.gather(*loads, return_exceptions=True)
        found: dict[str, RawDocument | PortError] = {}
        for document_id, outcome in zip(ids, loaded, strict=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, ERRORS_OF_RECORDS):
                raise outcome
            if outcome is not None:
                found[document_id] = outcome
        return found

    async def _fetch(self, ids: Sequence[str]) -> Mapping[str, RawDocument]:
        # With one more than can be found, the first reply is known to be the last.
        cursor = self._collection.find({"_id": {"$in": ids}}, batch_size=len(ids) + 1)
        documents = await self._database.run(lambda: cursor.to_list(None))
        return {document["_id"]: document for document in documents}
