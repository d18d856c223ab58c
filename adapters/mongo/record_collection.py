"""Collections of records: a document has the fields of `adapters.records`, `_id` and `version`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from beanie import Document

from adapters.mongo.database import Database
from adapters.mongo.document_loader import DocumentLoader
from adapters.mongo.driver import DuplicateKey, RawDocument, latest
from adapters.records.mapping import WRITTEN_ONCE, Fields, Record, RecordMapping
from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned
from domain.page import Cursor

T = TypeVar("T")

_NATIVE_TYPES: Final = (datetime, bytes)


class RecordCollection(Generic[T]):
    """The records of one kind, by id. A repository that needs no more is one of these."""

    def __init__(
        self, database: Database, document: type[Document], mapping: RecordMapping[T, Any]
    ) -> None:
        """Set the Document that declares the collection."""
        self.database: Final = database
        self.document: Final = document
        self.mapping: Final = mapping
        self.collection: Final = latest(database.collection(document))
        self._loader = DocumentLoader(database, self.collection)

    async def load(self, record_id: str) -> Versioned[T] | None:
        """Load the record with this id, or return None."""
        document = await self._loader.load(record_id)
        return self.read(document) if document else None

    async def list(
        self, query: Mapping[str, Any], limit: int, *order: str, **options: Any
    ) -> Sequence[Versioned[T]]:
        """List up to `limit` records of a query, in the order of these fields."""
        found = self.document.find(query, **options).sort(*order)
        return [self.read(document) for document in await self.database.list_raw(found, limit)]

    async def list_until(
        self, field: str, time: datetime, limit: int, **others: Any
    ) -> Sequence[Versioned[T]]:
        """List records whose time in a field is this one or earlier, the earliest first."""
        return await self.list({**others, field: {"$lte": time}}, limit, field)

    async def list_records(
        self, field: str, time: datetime, limit: int
    ) -> Sequence[tuple[str, Any, int]]:
        """List such records as they are stored, with id and version."""
        found = self.document.find({field: {"$lte": time}}).sort(field)
        return [
            (one["_id"], self.mapping.convert_record(to_fields(one)), one["version"])
            for one in await self.database.list_raw(found, limit)
        ]

    async def project(
        self, query: Mapping[str, Any], projection: Mapping[str, int] | None, **options: Any
    ) -> Sequence[RawDocument]:
        """Return the documents of a query with these fields, as they are stored."""
        collection = self.database.collection(self.document)
        cursor = collection.find(query, projection, **options)
        return await self.database.run(lambda: cursor.to_list(None))

    async def add(self, value: T) -> bool:
        """Add a record at version 1, unless its id is taken.

        Raises:
            UniqueViolation: Another record has the same value of another unique field.
        """
        record = self.mapping.to_record(value)
        return await self.add_record(record.id, record)

    async def add_record(self, record_id: str, record: Record, version: int = 1) -> bool:
        """Add a record at this version, as `add` does."""
        document = {"_id": record_id, "version": version, **self.fields_of(record)}
        try:
            await self.database.run(lambda: self.collection.insert_one(document))
        except DuplicateKey as error:
            # MongoDB reports only one of two violated indexes, and a record that is added again
            # has to find its id.
            if "_id" in error.fields or await self._loader.load(record_id):
                return False
            raise
        return True

    async def replace(self, value: T, version: int) -> bool:
        """Replace the known fields of a record if it has this version.

        Raises:
            UniqueViolation: Another record has the same value of another unique field.
        """
        record = self.mapping.to_record(value)
        return await self.replace_record(record.id, record, version)

    async def replace_record(self, record_id: str, record: Record, version: int) -> bool:
        """Replace the known fields of a record, as `replace` does."""
        update = _replacement(self.fields_of(record), self.mapping.field_names)
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

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records whose `expires_at` has passed, and return their number.

        A TTL index would go by the server's clock instead of `now`, at times of its own.
        """
        return await self.database.delete_oldest(
            self.document, {"expires_at": {"$lte": now}}, limit
        )

    def read(self, document: RawDocument) -> Versioned[T]:
        """Return the value of a document, with its version.

        Raises:
            CorruptRecord
        """
        version = document.get("version")
        if not isinstance(version, int):
            raise CorruptRecord(f"a record of {self.mapping.name} has no version")
        return Versioned(self.mapping.convert(to_fields(document)), version)

    def fields_of(self, record: Record) -> Fields:
        """Return the fields of a record, as a document has them."""
        fields = self.mapping.to_fields(record, _NATIVE_TYPES)
        fields.pop("id", None)
        return fields


def to_fields(document: RawDocument) -> Fields:
    """Return the fields of a record from its document."""
    return {**document, "id": document["_id"]}


def after(cursor: Cursor, time_field: str) -> RawDocument:
    """Return the query of what comes after a position, the newest first."""
    time = cursor.created_at
    # The first bound is where the scan of the index begins; the second excludes those of the same
    # moment that come before. The second alone would need two scans.
    return {
        time_field: {"$lte": time},
        "$or": [{time_field: {"$lt": time}}, {"_id": {"$lt": cursor.id}}],
    }


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
