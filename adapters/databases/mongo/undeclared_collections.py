"""Collections of kinds that this program does not have."""

from collections.abc import Sequence

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.driver import RawDocument, latest


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
    return isinstance(document["_id"], str) and all(isinstance(each, int) for each in versions)
