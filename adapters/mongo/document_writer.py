"""Documents that are added or replaced together go out together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pymongo import DeleteOne, InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from adapters.mongo.batch_loader import BatchLoader
from adapters.mongo.batch_sizing import BatchSizing
from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection, RawDocument

_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True, eq=False)
class _Addition:
    """A document whose id must be new."""

    document: RawDocument

    def to_statement(self) -> InsertOne[RawDocument]:
        return InsertOne(self.document)


@dataclass(frozen=True, slots=True, eq=False)
class _Replacement:
    """A document, and the version that it replaces."""

    document: RawDocument
    version: int

    def to_statement(self) -> ReplaceOne[RawDocument]:
        # With another version nothing is found, and the insert fails for the id that exists.
        found = {"_id": self.document["_id"], "version": self.version}
        return ReplaceOne(found, self.document, upsert=True)


class DocumentWriter:
    """Adds documents to a collection, and replaces them if they are unchanged, in batches.

    The collection has no unique index but that of the ids.
    """

    def __init__(
        self, database: Database, collection: MotorCollection, sizing: BatchSizing
    ) -> None:
        """Set the collection, what runs the calls, and how large batches are."""
        self._database = database
        self._collection = database.in_event_loop(collection)
        # The server inserts in less than half the time of an update that finds nothing.
        self._additions = BatchLoader[_Addition, bool](self._add_all, sizing=sizing)
        self._replacements = BatchLoader[_Replacement, bool](self._replace_all, sizing=sizing)

    async def add(self, document: RawDocument) -> bool:
        """Add the document if there is none with its id.

        Raises:
            StorageError
        """
        addition = _Addition(document)
        is_added = await self._database.wait_for(lambda: self._additions.request(addition))
        return bool(is_added)

    async def replace(self, document: RawDocument, version: int) -> bool:
        """Replace the document that has this version.

        Raises:
            StorageError
        """
        replacement = _Replacement(document, version)
        is_replaced = await self._database.wait_for(lambda: self._replacements.request(replacement))
        return bool(is_replaced)

    async def finish(self) -> None:
        """Return when no write is under way."""
        await self._additions.finish()
        await self._replacements.finish()

    async def _add_all(self, additions: Sequence[_Addition]) -> Mapping[_Addition, bool]:
        statements = [addition.to_statement() for addition in additions]
        failed, _ = await self._database.write_batch(lambda: self._write(statements))
        return {addition: index not in failed for index, addition in enumerate(additions)}

    async def _replace_all(
        self, replacements: Sequence[_Replacement]
    ) -> Mapping[_Replacement, bool]:
        statements = [replacement.to_statement() for replacement in replacements]
        failed, added = await self._database.write_batch(lambda: self._write(statements))
        # The cleanup has deleted these since they were loaded.
        if added:
            deleted = [
                DeleteOne({name: replacements[index].document[name] for name in ("_id", "version")})
                for index in added
            ]
            await self._database.write_batch(
                lambda: self._collection.bulk_write(deleted, ordered=False)
            )
        return {
            replacement: index not in failed | added
            for index, replacement in enumerate(replacements)
        }

    async def _write(
        self, statements: Sequence[InsertOne[RawDocument] | ReplaceOne[RawDocument]]
    ) -> tuple[set[int], set[int]]:
        """Return the indexes of those that failed, and of the upserts that added a document."""
        try:
            result = await self._collection.bulk_write(statements, ordered=False)
        except BulkWriteError as error:
            details = error.details
            errors = details["writeErrors"]
            if details["writeConcernErrors"] or any(
                write_error["code"] != _DUPLICATE_KEY for write_error in errors
            ):
                raise
            failed = {write_error["index"] for write_error in errors}
            return failed, {upserted["index"] for upserted in details["upserted"]}
        return set(), set(result.upserted_ids or {})
