"""The database in MongoDB, for suites that run on all databases."""

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import pytest
from pymongo import MongoClient, WriteConcern

from adapters.databases.mongo import open_mongo_database
from adapters.databases.records.database import Database
from adapters.databases.records.limits import LIMITS
from entrypoints.composition.features import KINDS
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.timeouts import with_long_timeout

_CLIENT: Final = pytest.StashKey[MongoClient[dict[str, Any]]]()
_DATABASE_URL: Final = pytest.StashKey[str]()
_EMPTIED: Final = [kind.name for kind in (*KINDS, LIMITS)]


def _name_if_not_empty(collection: str) -> list[dict[str, Any]]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": collection}}}]


# One command instead of one for each collection.
_FIND_NOT_EMPTY: Final = [
    *_name_if_not_empty(_EMPTIED[0]),
    *(
        {"$unionWith": {"coll": name, "pipeline": _name_if_not_empty(name)}}
        for name in _EMPTIED[1:]
    ),
]


def in_mongo(request: pytest.FixtureRequest) -> Callable[[], AbstractAsyncContextManager[Database]]:
    """Empty the database of this test run, and return a function that opens it.

    To create a new database would take longer than most tests, and MongoDB keeps its two dozen
    files open for minutes after it was dropped.
    """
    url = with_long_timeout(contract_database_url(request))
    database = request.session.stash[_CLIENT].get_default_database()
    # A majority that has the last write has all of them.
    majority = WriteConcern("majority")
    for found in database[_EMPTIED[0]].aggregate(_FIND_NOT_EMPTY):
        database.get_collection(found["name"], write_concern=majority).delete_many({})
    return lambda: open_mongo_database(url, FakePhoneEncryption().key_fingerprint())


def contract_database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of the database of this test run."""
    session = request.session
    if _DATABASE_URL not in session.stash:
        server, question_mark, options = request.getfixturevalue("mongo_url").partition("?")
        url = f"{server.rstrip('/')}/contract_{uuid.uuid4().hex}{question_mark}{options}"
        client = MongoClient[dict[str, Any]](url)
        session.stash[_DATABASE_URL], session.stash[_CLIENT] = url, client
        session.addfinalizer(lambda: _drop(client))
    return session.stash[_DATABASE_URL]


def _drop(client: MongoClient[dict[str, Any]]) -> None:
    client.drop_database(client.get_default_database())
    client.close()
