from collections.abc import Collection, Mapping, Sequence
from typing import Any

from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection, Raw
from adapters.mongo.joined_reads import JoinedReads


class PointReads:
    """Joined reads of the documents of a collection, by a member that tells them apart.

    `projection` names the members that are wanted; `where` is what else has to be so.
    """

    def __init__(
        self,
        database: Database,
        collection: MotorCollection,
        projection: Mapping[str, int],
        by: str = "_id",
        where: Mapping[str, Any] | None = None,
    ) -> None:
        self._database = database
        self._collection = collection
        self._projection = projection
        self._by = by
        self._where = where or {}
        self._joined = JoinedReads(self._fetch)

    async def one(self, key: str) -> Raw | None:
        """Give the document, or None; it is shared with others who asked for it.

        Raises:
            StorageUnavailable
        """
        if not _can_be_stored(key):
            return None
        return await self._database.answer(self._joined.one(key))

    async def some(self, keys: Collection[str]) -> dict[str, Raw]:
        """Give the documents that there are, by key.

        Raises:
            StorageUnavailable
        """
        return await self._database.answer(self._joined.some([*filter(_can_be_stored, keys)]))

    async def finish(self) -> None:
        """Return when nothing is under way any more."""
        await self._joined.finish()

    async def _fetch(self, keys: Sequence[str]) -> Mapping[str, Raw]:
        documents = await self._database.answer(self._documents(keys))
        return {document[self._by]: document for document in documents}

    async def _documents(self, keys: Sequence[str]) -> list[Raw]:
        if len(keys) == 1:
            # Where nobody else asks, nothing is lost: motor has a cheaper way for one.
            alone = {self._by: keys[0], **self._where}
            document = await self._collection.find_one(alone, self._projection)
            return [] if document is None else [document]
        together = {self._by: {"$in": keys}, **self._where}
        # One more than can come: then the first answer is known to be the last.
        size = len(keys) + 1
        return await self._collection.find(together, self._projection, batch_size=size).to_list()


def _can_be_stored(key: str) -> bool:
    """Whether it is text that MongoDB has: one that is not would spoil the batch of others."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
