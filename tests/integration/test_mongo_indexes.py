import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import open_mongo_repositories
from adapters.mongo.documents import DOCUMENTS
from adapters.mongo.metadata import SCHEMA_VERSION
from application.ports.errors import ConfigurationError
from tests.support.fakes.phone_encryption import FakePhoneEncryption

Mongo = Database[dict[str, Any]]

DECLARED = {
    (document.Settings.name, index.document["name"])
    for document in DOCUMENTS
    for index in document.Settings.indexes
}


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


@pytest.fixture(autouse=True)
def log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="adapters.mongo")


async def start(url: str) -> None:
    async with open_mongo_repositories(url, FakePhoneEncryption()):
        pass


def indexes(database: Mongo) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (collection, name): dict(spec)
        for collection in database.list_collection_names()
        for name, spec in database[collection].index_information().items()
        if name != "_id_"
    }


def log_entries(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


async def test_a_new_database_gets_the_declared_indexes_and_the_next_start_changes_none(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)

    assert indexes(database).keys() == DECLARED
    created, *built = log_entries(caplog)
    assert created == {"event": "database_created", "from_schema": 0, "to_schema": SCHEMA_VERSION}
    assert {
        (line["collection"], index)
        for line in built
        for index in line["indexes"]
        if line["event"] == "mongo_indexes_created"
    } == DECLARED
    before = indexes(database)
    caplog.clear()

    await start(mongo_database)

    assert indexes(database) == before
    assert caplog.messages == []


async def test_a_missing_index_is_created_again(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)
    missing = "media_items_owner_id_created_at"
    database["media_items"].drop_index(missing)
    caplog.clear()

    await start(mongo_database)

    assert indexes(database).keys() == DECLARED
    assert log_entries(caplog) == [
        {"event": "mongo_indexes_created", "collection": "media_items", "indexes": [missing]}
    ]


@pytest.mark.parametrize(
    ("keys", "options", "event"),
    [
        ({"storage_key": -1}, {}, "mongo_index_differs"),
        ({"storage_key": 1, "owner_id": 1}, {}, "mongo_index_differs"),
        ({"storage_key": 1}, {"sparse": True}, "mongo_index_differs"),
        (
            {"storage_key": 1},
            {"partialFilterExpression": {"state": "ready"}},
            "mongo_index_differs",
        ),
        ({"storage_key": 1}, {"collation": {"locale": "en"}}, "mongo_index_differs"),
        # The same index with another name is enough.
        ({"storage_key": 1}, {"name": "another_name"}, "mongo_index_unknown"),
    ],
)
async def test_an_index_that_differs_is_logged_and_not_changed(
    emptied_mongo_database: str,
    caplog: pytest.LogCaptureFixture,
    keys: dict[str, int],
    options: dict[str, Any],
    event: str,
) -> None:
    await start(emptied_mongo_database)
    index = {"name": "media_items_storage_key", **options}
    with MongoClient[dict[str, Any]](emptied_mongo_database) as client:
        items = client.get_default_database()["media_items"]
        items.drop_index("media_items_storage_key")
        items.create_index(list(keys.items()), **index)
        before = items.index_information()
        caplog.clear()

        await start(emptied_mongo_database)

        assert items.index_information() == before
        items.drop_index(index["name"])
    assert log_entries(caplog) == [
        {"event": event, "collection": "media_items", "index": index["name"]}
    ]


async def test_an_unknown_index_is_logged_and_not_dropped(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)
    database["identities"].create_index("role", name="by_role")
    caplog.clear()

    await start(mongo_database)

    assert log_entries(caplog) == [
        {"event": "mongo_index_unknown", "collection": "identities", "index": "by_role"}
    ]
    assert ("identities", "by_role") in indexes(database)


async def test_the_index_of_usernames_has_to_be_unique(
    mongo_database: str, database: Mongo
) -> None:
    await start(mongo_database)
    database["identities"].drop_index("identities_username_key")
    database["identities"].create_index("username_key", name="identities_username_key")

    with pytest.raises(
        ConfigurationError, match=r"identities_username_key.*: drop it and start again"
    ):
        await start(mongo_database)
