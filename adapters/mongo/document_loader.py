"""Loads documents by key: those that are wanted together in one query."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from adapters.mongo.database import GRACE_PERIOD, TOO_MANY_CALLS, Database
from adapters.mongo.driver import MotorCollection, RawDocument
from adapters.records.batch_loader import BatchLoader
from application.ports.errors import StorageUnavailable

T = TypeVar("T")


class DocumentLoader:
    """Loads documents of a collection by id, in batches."""

    def __init__(
        self,
        database: Database,
        collection: MotorCollection,
        *,
        filters: Mapping[str, Any] | None = None,
        projection: Mapping[str, int] | None = None,
    ) -> None:
        """Set what to load.

        Args:
            database: runs the calls.
            collection: has the documents.
            filters: further conditions for the documents.
            projection: the fields to load; all by default.
        """
        self._database = database
        self._collection = collection
        self._filters = filters or {}
        self._projection = projection
        self._loader = BatchLoader(self._fetch)
        database.loaders.append(self._loader)

    async def load(self, key: str) -> RawDocument | None:
        """Return the document, or None; other callers may get the same object.

        Raises:
            CorruptRecord
            StorageError
        """
        return await self._limit(lambda: self._loader.load(key))

    async def load_many(self, keys: Collection[str]) -> Mapping[str, RawDocument]:
        """Return the documents that exist, by key.

        Raises:
            CorruptRecord
            StorageError
        """
        return await self._limit(lambda: self._loader.load_many(keys))

    async def _limit(self, load: Callable[[], Awaitable[T]]) -> T:
        async def load_until(deadline: float) -> T:
            # Behind batches that hang it would wait longer than one call.
            try:
                async with asyncio.timeout_at(deadline + GRACE_PERIOD):
                    return await load()
            except TimeoutError:
                raise StorageUnavailable(TOO_MANY_CALLS) from None

        return await self._database.limit(load_until)

    async def _fetch(self, keys: Sequence[str]) -> Mapping[str, RawDocument]:
        query = {"_id": {"$in": keys}, **self._filters}
        # With one more than can be found, the first reply is known to be the last.
        cursor = self._collection.find(query, self._projection, batch_size=len(keys) + 1)
        documents = await self._database.run(lambda: cursor.to_list(None))
        return {document["_id"]: document for document in documents}
