"""Making the indexes that the documents name, and telling of those that are otherwise.

None is ever dropped: what it costs to go without it for a while only the operator can judge.
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
from adapters.mongo.errors import DatabaseNotUsable

BUILD_LIMIT: Final = 3600.0
"""Seconds for what is missing in one collection, which may have grown large."""

Specs = Mapping[str, Mapping[str, Any]]

# What says nothing of how an index answers.
_INCIDENTAL: Final = {"v", "ns", "name", "background"}

_log = logging.getLogger(__name__)


async def make_indexes(database: Database, place: str) -> None:
    """Make what is missing; log what differs from what is named here, and what is unknown.

    Raises:
        DatabaseNotUsable: a unique index is another than is named here, so that nothing would
            keep two of a kind apart.
        PyMongoError
    """
    for document in DOCUMENTS:
        collection = database.collection(document)
        named = _named(document)
        found = _specs(await collection.index_information())
        wanted = _specs({name: index.document for name, index in named.items()})
        missing = [name for name in wanted if not _is_there(name, wanted, found)]
        if missing:
            with pymongo.timeout(BUILD_LIMIT):
                await collection.create_indexes([named[name] for name in missing])
        _tell(collection, wanted, found)
        for name, spec in wanted.items():
            if spec.get("unique") and found.get(name, spec) != spec:
                raise DatabaseNotUsable(
                    f"{place} has another index by the name of {name}, which does not keep "
                    f"{collection.name} apart: drop it and start again."
                )


def _tell(collection: MotorCollection, wanted: Specs, found: Specs) -> None:
    for name, spec in found.items():
        if name not in wanted:
            event = "mongo_index_unknown"
        elif wanted[name] != spec:
            event = "mongo_index_differs"
        else:
            continue
        _log.warning({"event": event, "collection": collection.name, "index": name})


def _named(document: type[Document]) -> dict[str, IndexModel]:
    indexes: list[IndexModel] = document.Settings.indexes
    return {index.document["name"]: index for index in indexes}


def _is_there(name: str, wanted: Specs, found: Specs) -> bool:
    # MongoDB refuses a second one that is the same but for its name.
    return name in found or wanted[name] in found.values()


def _specs(indexes: Mapping[str, Mapping[str, Any]]) -> Specs:
    """What each index is, but that of every collection: keys in order, options that are on."""
    return {name: _spec(index) for name, index in indexes.items() if name != "_id_"}


def _spec(index: Mapping[str, Any]) -> Mapping[str, Any]:
    options = {
        name: value
        for name, value in index.items()
        if name not in _INCIDENTAL and value is not False
    }
    keys = index["key"]
    pairs = keys.items() if isinstance(keys, Mapping) else keys
    return {**options, "key": [tuple(pair) for pair in pairs]}
