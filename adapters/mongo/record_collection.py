"""Collections of records: a document has the fields of `adapters.records`, `_id` and `version`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from beanie import Document
from beanie.odm.queries.find import FindMany

from adapters.mongo.database import Database
from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.driver import DuplicateKey, MotorCollection, RawDocument, latest
from adapters.records import WRITTEN_ONCE, Fields, Record, RecordMapping
from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned

T = TypeVar("T")

_NATIVE_TYPES: Final = (datetime, bytes)


@dataclass(frozen=True, slots=True)
class RecordCollection(Generic[T]):
    """The records of one kind, by id."""

    database: Database
    mapping: RecordMapping[T, Any]
    collection: MotorCollection
    loader: DocumentLoader

    @classmethod
    def of(
        cls, database: Database, document: type[Document], mapping: RecordMapping[T, Any]
    ) -> "RecordCollection[T]":
        """Return the collection of a Document."""
        collection = latest(database.collection(document))
        return cls(database, mapping, collection, DocumentLoader(database, collection))

    async def load(self, record_id: str) -> Versioned[T] | None:
        """Load the record with this id, or return None."""
        document = await self.loader.load(record_id)
        return self.read(document) if document else None

    async def find(self, field: str, value: str) -> Versioned[T] | None:
        """Find the record with this value of a unique field."""
        document = await self.database.run(lambda: self.collection.find_one({field: value}))
        return self.read(document) if document else None

    async def list(self, query: FindMany[Any], limit: int) -> Sequence[Versioned[T]]:
        """List up to `limit` records of a query."""
        return [self.read(document) for document in await self.database.list_raw(query, limit)]

    async def add(self, record_id: str, value: T) -> bool:
        """Add a record at version 1, unless its id is taken.

        Raises:
            DuplicateKey: Another record has the same value of another unique field.
        """
        return await self.add_record(record_id, self.mapping.to_record(value))

    async def add_record(self, record_id: str, record: Record, version: int = 1) -> bool:
        """Add a record at this version, as `add` does."""
        document = {"_id": record_id, "version": version, **self._fields_of(record)}
        try:
            await self.database.run(lambda: self.collection.insert_one(document))
        except DuplicateKey as error:
            # MongoDB reports only one of two violated indexes, and a record that is added again
            # has to find its id.
            if "_id" in error.fields or await self._exists(record_id):
                return False
            raise
        return True

    async def replace(self, record_id: str, value: T, version: int) -> bool:
        """Replace the known fields of a record if it has this version.

        Raises:
            DuplicateKey: Another record has the same value of another unique field.
        """
        return await self.replace_record(record_id, self.mapping.to_record(value), version)

    async def replace_record(self, record_id: str, record: Record, version: int) -> bool:
        """Replace the known fields of a record, as `replace` does."""
        update = _replacement(self._fields_of(record), self.mapping.field_names)
        result = await self.database.run(
            lambda: self.collection.update_one({"_id": record_id, "version": version}, update)
        )
        return result.matched_count == 1

    async def delete(self, record_id: str, version: int) -> bool:
        """Delete the record if it has this version."""
        result = await self.database.run(
            lambda: self.collection.delete_one({"_id": record_id, "version": version})
        )
        return result.deleted_count == 1

    def read(self, document: RawDocument) -> Versioned[T]:
        """Return the value of a document, with its version.

        Raises:
            CorruptRecord
        """
        version = document.get("version")
        if not isinstance(version, int):
            raise CorruptRecord(f"a record of {self.mapping.name} has no version")
        return Versioned(self.mapping.convert(to_fields(document)), version)

    def _fields_of(self, record: Record) -> Fields:
        fields = self.mapping.to_fields(record, _NATIVE_TYPES)
        fields.pop("id", None)
        return fields

    async def _exists(self, record_id: str) -> bool:
        query, projection = {"_id": record_id}, {"_id": 1}
        return bool(await self.database.run(lambda: self.collection.find_one(query, projection)))


def to_fields(document: RawDocument) -> Fields:
    """Return the fields of a record from its document."""
    return {**document, "id": document["_id"]}


def _replacement(
    fields: Fields, field_names: frozenset[str]
) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
    """Return the update that sets and removes fields, and leaves those that are not known."""
    removed = sorted(field_names - fields.keys() - {"id"})
    if WRITTEN_ONCE not in fields:
        unset = {"$unset": dict.fromkeys(removed, 1)} if removed else {}
        return {"$set": fields, "$inc": {"version": 1}, **unset}
    changed = {name: {"$literal": field} for name, field in fields.items()}
    kept = {"$ifNull": [f"${WRITTEN_ONCE}", changed[WRITTEN_ONCE]]}
    version = {"$add": ["$version", 1]}
    stages: list[Mapping[str, Any]] = [
        {"$set": {**changed, WRITTEN_ONCE: kept, "version": version}}
    ]
    return [*stages, {"$unset": removed}] if removed else stages
