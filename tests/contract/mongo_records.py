"""The record ports over MongoDB, for the suites that every adapter is put to."""

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import pytest
from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from adapters.mongo.documents import DOCUMENTS, DatabaseMetadataDocument
from application.ports.records import Records
from tests.fakes.seal import FakeSeal

_PLACE: Final = pytest.StashKey[str]()


def in_mongo(
    request: pytest.FixtureRequest,
) -> Callable[[], AbstractAsyncContextManager[Records]]:
    """Opens a database that nobody else uses, emptied for this test.

    Making one anew would take longer than most of the tests, and MongoDB keeps the two dozen
    files of each open for minutes after it was dropped.
    """
    url = _place(request)
    with MongoClient[dict[str, Any]](url, w="majority") as client:
        for document in DOCUMENTS:
            if document is not DatabaseMetadataDocument:
                client.get_default_database()[document.Settings.name].delete_many({})
    return lambda: open_mongo_repositories(url, FakeSeal())


def _place(request: pytest.FixtureRequest) -> str:
    session = request.session
    if _PLACE not in session.stash:
        server, question, options = request.getfixturevalue("mongo_url").partition("?")
        url = f"{server.rstrip('/')}/contract_{uuid.uuid4().hex}{question}{options}"
        session.stash[_PLACE] = url
        session.addfinalizer(lambda: _drop(url))
    return session.stash[_PLACE]


def _drop(url: str) -> None:
    with MongoClient[dict[str, Any]](url) as client:
        client.drop_database(client.get_default_database())
