"""The documents of a kind of records: collection and indexes, and how they are read."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, TypeVar

from beanie import Document
from pymongo import ASCENDING, IndexModel

from adapters.databases.mongo.driver import RawDocument
from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.record_kind import Index, Record, RecordKind
from adapters.databases.records.record_store import StoredRecord
from adapters.databases.records.schema_plan import SchemaObject
from application.ports.errors import CorruptRecord

R = TypeVar("R", bound=Record)

METADATA_COLLECTION: Final = "database_metadata"
"""The single document in it says which service and which keys a database belongs to."""


def collections() -> Sequence[str]:
    """Return the names of all collections that Dialtone has."""
    return (METADATA_COLLECTION, *(kind.name for kind in stored_kinds()))


def make_documents() -> Iterator[type[Document]]:
    """Yield a Document of each kind, from which beanie creates the collection and its indexes.

    beanie binds a class to a database, so each open database has its own ones.
    """
    return map(_make_document, stored_kinds())


def read_document(kind: RecordKind[R], document: RawDocument) -> StoredRecord[R]:
    """Return the record of a document.

    Raises:
        CorruptRecord
    """
    version, document_id = document.get("version"), document["_id"]
    if not isinstance(version, int):
        raise CorruptRecord(f"a record of {kind.name} has no version", str(document_id))
    try:
        record = kind.convert({**document, "id": document_id})
    except CorruptRecord as error:
        raise error.of_record(str(document_id)) from None
    return StoredRecord(document_id, record, version)


def _make_document(kind: RecordKind[Any]) -> type[Document]:
    class KindDocument(Document):
        class Settings:
            name = kind.name
            indexes: ClassVar = [index_model(index) for index in kind.indexes]

    return KindDocument


def declared_index(kind: RecordKind[Any], index: Index) -> SchemaObject:
    """Return an index with its fields in the order that they have in MongoDB."""
    return SchemaObject.of_index(kind, index, [*index_model(index).document["key"]])


def index_model(index: Index) -> IndexModel:
    """Return what creates an index."""
    order = (index.order,) if index.order else ()
    last = ("_id",) if index.is_paged else ()
    # A partial index cannot say that a field is absent. As its first field, it is null.
    fields = (*index.absent, *index.equal, *order, *last)
    only: dict[str, Any] = {name: {"$exists": True} for name in index.present}
    only |= dict(index.only)
    options: dict[str, Any] = {"partialFilterExpression": only} if only else {}
    if index.is_unique:
        options["unique"] = True
    return IndexModel([(field, ASCENDING) for field in fields], name=index.name, **options)
