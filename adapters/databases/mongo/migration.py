"""A job of an operator: show or create what a start would create, while services run."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pymongo
from pymongo.errors import DuplicateKeyError, PyMongoError

from adapters.databases.mongo.database import (
    BUILD_TIMEOUT,
    OTHER_INDEX,
    MongoDatabase,
    connect,
    create_index,
)
from adapters.databases.mongo.documents import METADATA_COLLECTION, declared_index, index_model
from adapters.databases.mongo.driver import location_of
from adapters.databases.mongo.metadata import check_metadata, find_schema_version
from adapters.databases.mongo.opening import open_database
from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.record_kind import Index, RecordKind
from adapters.databases.records.schema_plan import DUPLICATES, ReportBuild, SchemaObject, SchemaPlan
from application.ports.errors import ConfigurationError
from application.tasks import start_task

_PROGRESS_INTERVAL: Final = 1.0


async def plan_migration(url: str, key_fingerprint: str | None) -> SchemaPlan:
    """Return what a start would change. Nothing is written."""
    location = location_of(url)
    async with connect(url, location) as database:
        with database.errors_while_opening(location):
            version = await find_schema_version(database, location, key_fingerprint)
            return await _find_plan(database, location, is_new=version is None)


async def migrate(url: str, key_fingerprint: str, report: ReportBuild) -> SchemaPlan:
    """Create what a start would create, and return what that was. Services may run and write."""
    location = location_of(url)
    async with connect(url, location) as database:
        with database.errors_while_opening(location):
            version = await find_schema_version(database, location, key_fingerprint)
            plan = await _find_plan(database, location, is_new=version is None)
            await check_metadata(database, location, key_fingerprint)
            declared = {
                declared_index(kind, index): index
                for kind in stored_kinds()
                for index in kind.indexes
            }
            for missing in plan.missing:
                report(missing)
                if index := declared.get(missing):
                    await _build(database, location, missing, index, report)
    async with open_database(url, key_fingerprint):
        return plan


async def _find_plan(database: MongoDatabase, location: str, *, is_new: bool) -> SchemaPlan:
    existing = set(await database.motor.list_collection_names())
    metadata = [SchemaObject("collection", METADATA_COLLECTION)] if is_new else []
    missing, undeclared = metadata, list[SchemaObject]()
    for kind in stored_kinds():
        # The first write makes one without indexes.
        if kind.indexes and kind.name not in existing:
            missing.append(SchemaObject("collection", kind.name))
        found = await database.motor[kind.name].index_information() if kind.name in existing else {}
        _check_differences(kind, found, location)
        missing += [
            declared_index(kind, index) for index in kind.indexes if index.name not in found
        ]
        undeclared += [
            SchemaObject("index", name, kind.name, tuple(field for field, _ in other["key"]))
            for name, other in found.items()
            if name != "_id_" and name not in {index.name for index in kind.indexes}
        ]
    return SchemaPlan(is_new=is_new, missing=missing, undeclared=undeclared)


def _check_differences(kind: RecordKind[Any], found: Mapping[str, Any], location: str) -> None:
    for index in kind.indexes:
        declared = index_model(index).document
        for name, other in found.items():
            has_key = [*other["key"]] == [*declared["key"].items()]
            has_options = all(
                other.get(option) == declared.get(option)
                for option in ("unique", "partialFilterExpression")
            )
            if (name == index.name) != (has_key and has_options):
                raise ConfigurationError(
                    OTHER_INDEX.format(location=location, index=index.name, collection=kind.name)
                )


async def _build(
    database: MongoDatabase, location: str, missing: SchemaObject, index: Index, report: ReportBuild
) -> None:
    try:
        async with _reported(database, missing, report):
            with pymongo.timeout(BUILD_TIMEOUT):
                await create_index(database, location, missing, index)
    except DuplicateKeyError:
        raise ConfigurationError(await _describe_duplicates(database, location, missing)) from None


@asynccontextmanager
async def _reported(
    database: MongoDatabase, missing: SchemaObject, report: ReportBuild
) -> AsyncIterator[None]:
    admin = database.motor.client["admin"]
    namespace = f"{database.motor.name}.{missing.table}"
    building = {"ns": namespace, "progress": {"$exists": True}, "msg": {"$regex": "^Index Build"}}
    pipeline: list[dict[str, Any]] = [{"$currentOp": {"allUsers": True}}, {"$match": building}]

    async def watch() -> None:
        while True:
            await asyncio.sleep(_PROGRESS_INTERVAL)
            for operation in await admin.aggregate(pipeline).to_list(1):
                report(missing, operation["progress"]["done"], operation["progress"]["total"])

    task = start_task("report_index", watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, PyMongoError):
            await task


async def _describe_duplicates(database: MongoDatabase, location: str, index: SchemaObject) -> str:
    [field, *_] = index.fields
    stages: list[dict[str, Any]] = [
        {"$match": {field: {"$exists": True}}},
        {"$group": {"_id": f"${field}", "count": {"$sum": 1}}},
        {"$match": {"count": {"$gt": 1}}},
    ]
    counting = [*stages, {"$count": "count"}]
    with pymongo.timeout(BUILD_TIMEOUT):
        collection = database.motor[index.table]
        counts = await collection.aggregate(counting, allowDiskUse=True).to_list(1)
    query = f"db.{index.table}.aggregate({stages})".replace("'", '"').replace("True", "true")
    return DUPLICATES.format(
        location=location,
        name=index.name,
        count=counts[0]["count"] if counts else 0,
        table=index.table,
        query=query,
    )
