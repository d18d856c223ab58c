"""Creation of the declared indexes, with warnings about those that differ.

No index is ever dropped: only the operator knows what it costs to do without it for a while.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import pymongo
from beanie import Document
from pymongo import IndexModel

from adapters.mongo.database import Database
from adapters.mongo.documents import DOCUMENTS
from adapters.mongo.driver import MotorCollection
from application.ports.errors import ConfigurationError

BUILD_TIMEOUT: Final = 3600.0
"""Seconds for the missing indexes of one collection, which may be large."""

Specs = Mapping[str, Mapping[str, Any]]

# Options without an effect on queries.
_IGNORED_OPTIONS: Final = {"v", "ns", "name", "background"}
_NOT_UNIQUE: Final = (
    "{location} has a different index with the name {index}, which does not make the documents of "
    "{collection} unique: drop it and start again."
)

_log = logging.getLogger(__name__)


async def create_indexes(database: Database, location: str) -> None:
    """Create missing indexes; log those that differ from the declared ones or are unknown.

    Raises:
        ConfigurationError: a unique index differs, so that nothing would prevent duplicates.
        PyMongoError
    """
    for document in DOCUMENTS:
        collection = database.collection(document)
        indexes = _declared(document)
        existing = _specs(await collection.index_information())
        declared = _specs({name: index.document for name, index in indexes.items()})
        missing = [
            indexes[name] for name, spec in declared.items() if not _exists(name, spec, existing)
        ]
        if missing:
            with pymongo.timeout(BUILD_TIMEOUT):
                names = await collection.create_indexes(missing)
            _log.info(
                {"event": "mongo_indexes_created", "collection": collection.name, "indexes": names}
            )
        _log_differences(collection, declared, existing)
        for name, spec in declared.items():
            if spec.get("unique") and existing.get(name, spec) != spec:
                raise ConfigurationError(
                    _NOT_UNIQUE.format(location=location, index=name, collection=collection.name)
                )


def _log_differences(collection: MotorCollection, declared: Specs, existing: Specs) -> None:
    for name, spec in existing.items():
        if name not in declared:
            event = "mongo_index_unknown"
        elif declared[name] != spec:
            event = "mongo_index_differs"
        else:
            continue
        _log.warning({"event": event, "collection": collection.name, "index": name})


def _declared(document: type[Document]) -> dict[str, IndexModel]:
    indexes: list[IndexModel] = document.Settings.indexes
    return {index.document["name"]: index for index in indexes}


def _exists(name: str, spec: Mapping[str, Any], existing: Specs) -> bool:
    # MongoDB rejects a second index that differs only in its name.
    return name in existing or spec in existing.values()


def _specs(indexes: Mapping[str, Mapping[str, Any]]) -> Specs:
    """Return keys in order and effective options of each index, except that of `_id`."""
    return {name: _spec(index) for name, index in indexes.items() if name != "_id_"}


def _spec(index: Mapping[str, Any]) -> Mapping[str, Any]:
    options = {
        name: value
        for name, value in index.items()
        if name not in _IGNORED_OPTIONS and value is not False
    }
    keys = index["key"]
    pairs = keys.items() if isinstance(keys, Mapping) else keys
    return {**options, "key": [tuple(pair) for pair in pairs]}
