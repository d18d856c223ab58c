"""Records in MongoDB: a collection for each kind, and a range of one of its indexes for a query.

Commands name their index, because MongoDB would keep a plan that was good for other values.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from pymongo import ASCENDING, DESCENDING, UpdateOne

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.document_loader import DocumentLoader
from adapters.databases.mongo.document_writer import DocumentWriter, Update
from adapters.databases.mongo.documents import collections, read_document
from adapters.databases.mongo.driver import DuplicateKey, MotorCollection, RawDocument, latest
from adapters.databases.records.all_kinds import all_kinds
from adapters.databases.records.kinds import ALL_USERNAMES
from adapters.databases.records.record_kind import (
    EXPIRES_AT,
    Fields,
    Index,
    Record,
    RecordKind,
    is_storable,
)
from adapters.databases.records.record_store import (
    IndexPosition,
    Overwrite,
    Replacement,
    StoredRecord,
)
from application.ports.errors import CorruptRecord


async def has_undeclared(database: MongoDatabase, name: str) -> bool:
    """Return whether a collection has records of ours."""
    return bool(await _find(database, name, 1))


async def delete_undeclared(database: MongoDatabase, name: str, limit: int) -> int:
    """Delete up to `limit` records of a collection, if they are ours, and return their number."""
    ids = [document["_id"] for document in await _find(database, name, limit)]
    if not ids:
        return 0
    collection = database.motor[name]
    deleted = await database.run(lambda: collection.delete_many({"_id": {"$in": ids}}))
    return deleted.deleted_count


async def _find(database: MongoDatabase, name: str, limit: int) -> Sequence[RawDocument]:
    cursor = latest(database.motor[name]).find(
        {}, {"version": 1, "schema_version": 1}, limit=limit, batch_size=limit
    )
    documents: Sequence[RawDocument] = await database.run(lambda: cursor.to_list(None))
    return documents if documents and _is_record(documents[0]) else []


def _is_record(document: RawDocument) -> bool:
    versions = [document.get(name) for name in ("version", "schema_version")]
    return isinstance(document["_id"], str) and all(
        isinstance(version, int) for version in versions
    )


R = TypeVar("R", bound=Record)

MAX_SKIPPED: Final = 100
"""Up to this number, reading documents is faster than another command."""
_NATIVE_TYPES: Final = (datetime, bytes)
_EXISTS: Final = {"$exists": True}


class MongoRecordStore:
    """A `RecordStore`: see there what each method promises."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        # motor would make a new object for each call.
        self._collections = {kind.name: database.motor[kind.name] for kind in all_kinds()}
        self._loaders = {
            name: DocumentLoader(database, latest(collection))
            for name, collection in self._collections.items()
        }
        self._writers = {
            name: DocumentWriter(database, collection)
            for name, collection in self._collections.items()
        }

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        documents = await self._loaders[kind.name].load_many(record_ids)
        return {
            record_id: read_document(kind, document) for record_id, document in documents.items()
        }

    async def has_undeclared(self, name: str, /) -> bool:
        return await has_undeclared(self._database, name)

    async def list_unknown(self) -> Sequence[str]:
        names = await self._database.run(self._database.motor.list_collection_names)
        return sorted({*names} - {*collections()})

    async def delete_undeclared(self, name: str, limit: int, /) -> int:
        return await delete_undeclared(self._database, name, limit)

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /, *, offset: int = 0
    ) -> Sequence[StoredRecord[R]]:
        cursor = self._collection(kind).find(
            {"_id": {"$gt": after_id}},
            sort=[("_id", ASCENDING)],
            skip=offset,
            limit=limit,
            batch_size=limit,
        )
        documents = await self._database.run(lambda: cursor.to_list(None))
        return [read_document(kind, document) for document in documents]

    async def find(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str] = (),
        /,
        *,
        until: datetime | None = None,
        after: IndexPosition | None = None,
        newest_first: bool = False,
        limit: int,
        offset: int = 0,
    ) -> Sequence[StoredRecord[R]]:
        if not all(map(is_storable, equal)):
            return []
        collection = self._collection(kind)
        # Whether a unique value is taken decides about a write.
        collection = latest(collection) if index.is_unique else collection
        query = _query(index, equal, until, after, newest_first)
        options: dict[str, Any] = {"sort": _sort(index, newest_first), "hint": index.name}
        if offset > MAX_SKIPPED and index.is_paged and index.order:
            # With skip, MongoDB reads the documents that it skips. Only the index is read here.
            skipped = collection.find(
                query, {index.order: 1, "_id": 1}, skip=offset - 1, limit=1, **options
            )
            last = await self._database.run(lambda: skipped.to_list(None))
            if not last:
                return []
            after, offset = IndexPosition(last[0][index.order], last[0]["_id"]), 0
            query = _query(index, equal, until, after, newest_first)
        cursor = collection.find(query, skip=offset, limit=limit, batch_size=limit, **options)
        try:
            documents = await self._database.run(lambda: cursor.to_list(None))
        except CorruptRecord as error:
            if limit == 1:  # the driver cannot decode it, and does not say which one it is
                ids = collection.find(query, {"_id": 1}, skip=offset, limit=1, **options)
                for document in await self._database.run(lambda: ids.to_list(None)):
                    raise error.of_record(document["_id"]) from None
            raise
        return [read_document(kind, document) for document in documents]

    async def count(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str],
        limit: int,
        /,
        *,
        may_estimate: bool = False,
    ) -> int:
        if not all(map(is_storable, equal)):
            return 0
        collection = self._collection(kind)
        if may_estimate:
            estimated = await self._database.run(collection.estimated_document_count)
            if estimated > 2 * limit:
                return limit
        query = _query(index, equal)
        if index is ALL_USERNAMES:
            # A range of texts is counted in the index, and `$exists` reads each document.
            query = {"username_key": {"$gte": ""}}
        return await self._database.run(
            lambda: collection.count_documents(query, limit=limit, hint=index.name)
        )

    async def estimate_size(self, kind: RecordKind[Any], /) -> int:
        return await self._database.run(self._collection(kind).estimated_document_count)

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        document = {"_id": record_id, "version": version, **_to_fields(kind, record)}
        try:
            await self._writers[kind.name].insert(document)
        except DuplicateKey as error:
            # MongoDB reports only one of two violated indexes, and a record that is added again
            # has to find its id.
            if "_id" in error.fields or await self._loaders[kind.name].load_many([record_id]):
                return False
            raise
        return True

    async def replace(
        self,
        kind: RecordKind[R],
        record_id: str,
        record: R,
        version: int,
        /,
        *,
        also_written_once: bool = False,
    ) -> bool:
        once = None if also_written_once else kind.written_once
        return await self._update(kind, record_id, version, _replacement(kind, record, once))

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        updates = [
            UpdateOne(
                {"_id": replacement.id, "version": replacement.version},
                _replacement(kind, replacement.record, kind.written_once),
            )
            for replacement in replacements
        ]
        collection = self._collection(kind)
        result = await self._database.run(lambda: collection.bulk_write(updates, ordered=False))
        return result.matched_count

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        if not is_storable(record_id):
            return False
        query = {"_id": record_id, "version": version}
        result = await self._database.run(lambda: self._collection(kind).delete_one(query))
        return result.deleted_count == 1

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        # A TTL index would go by the server's clock instead of `now`, at times of its own.
        name = kind.find_index(EXPIRES_AT).name
        expired = {EXPIRES_AT: {"$lte": now}}
        return await delete_oldest(self._database, self._collection(kind), expired, limit, name)

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        return await self._update(kind, record_id, version, _overwriting(field, value))

    async def overwrite_all(
        self, kind: RecordKind[R], field: str, changes: Sequence[Overwrite], /
    ) -> None:
        updates = [
            UpdateOne(
                {"_id": change.id, "version": change.version}, _overwriting(field, change.value)
            )
            for change in changes
        ]
        collection = self._collection(kind)
        await self._database.run(lambda: collection.bulk_write(updates, ordered=False))

    def _collection(self, kind: RecordKind[Any]) -> MotorCollection:
        return self._collections[kind.name]

    async def _update(
        self, kind: RecordKind[Any], record_id: str, version: int, update: Update
    ) -> bool:
        if not is_storable(record_id):
            return False
        query = {"_id": record_id, "version": version}
        return await self._writers[kind.name].update(query, update)


async def delete_oldest(
    database: MongoDatabase,
    collection: MotorCollection,
    expired: Mapping[str, Any],
    limit: int,
    hint: str | None = None,
) -> int:
    """Delete up to `limit` documents that match, those that expired first."""
    order = [(EXPIRES_AT, ASCENDING)]
    cursor = collection.find(
        expired, {"_id": 1}, sort=order, limit=limit, batch_size=limit, hint=hint
    )
    found = await database.run(lambda: cursor.to_list(None))
    if not found:
        return 0
    # A document may have been replaced since, and expire later.
    still_expired = {"_id": {"$in": [document["_id"] for document in found]}, **expired}
    result = await database.run(lambda: collection.delete_many(still_expired))
    return result.deleted_count


def _query(
    index: Index,
    equal: Sequence[str],
    until: datetime | None = None,
    after: IndexPosition | None = None,
    newest_first: bool = False,
) -> RawDocument:
    query: RawDocument = {name: {"$exists": False} for name in index.absent}
    query |= dict(zip(index.equal, equal, strict=True))
    query |= dict(index.only)
    times: dict[str, datetime] = {}
    if until is not None:
        times["$lte"] = until
    if after is not None:
        # The first bound is where the scan of the index begins; `$or` excludes those of the same
        # moment that come before. `$or` alone would need two scans.
        beyond = "$lt" if newest_first else "$gt"
        if newest_first:
            times["$lte"] = min(after.time, until or after.time)
        else:
            times["$gte"] = after.time
        query["$or"] = [{index.order: {beyond: after.time}}, {"_id": {beyond: after.id}}]
    if times and index.order:
        query[index.order] = times
    # What has a value is present.
    return {**query, **{name: _EXISTS for name in index.present if name not in query}}


def _sort(index: Index, newest_first: bool) -> list[tuple[str, int]] | None:
    direction = DESCENDING if newest_first else ASCENDING
    order = [(index.order, direction)] if index.order else []
    last = [("_id", direction)] if index.is_paged else []
    return [*order, *last] or None


def _to_fields(kind: RecordKind[R], record: R) -> Fields:
    fields = kind.to_fields(record, _NATIVE_TYPES)
    fields.pop("id", None)
    return fields


def _replacement(kind: RecordKind[R], record: R, once: str | None) -> Update:
    """Return the update that sets and removes fields, and leaves those that are not known.

    The field `once` keeps its value while it has one.
    """
    fields = _to_fields(kind, record)
    removed = sorted(kind.field_names - fields.keys() - {"id"})
    if once not in fields:
        unset = {"$unset": dict.fromkeys(removed, 1)} if removed else {}
        return {"$set": fields, "$inc": {"version": 1}, **unset}
    changed: dict[str, Any] = {name: {"$literal": field} for name, field in fields.items()}
    kept = {"$ifNull": [f"${once}", changed[once]]}
    version = {"$add": ["$version", 1]}
    stages: list[Mapping[str, Any]] = [{"$set": {**changed, once: kept, "version": version}}]
    return [*stages, {"$unset": removed}] if removed else stages


def _overwriting(field: str, value: bytes) -> Mapping[str, Any]:
    return {"$set": {field: value}, "$inc": {"version": 1}}
