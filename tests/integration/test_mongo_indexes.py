import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo import DatabaseNotUsable, open_mongo_records
from adapters.mongo.documents import DOCUMENTS
from tests.support.fakes.seal import FakeSeal

Mongo = Database[dict[str, Any]]

NAMED = {
    (document.Settings.name, index.document["name"])
    for document in DOCUMENTS
    for index in document.Settings.indexes
}


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    """The database of the test, as its operator sees it."""
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


@pytest.fixture(autouse=True)
def loud(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="adapters.mongo")


async def start(url: str) -> None:
    async with open_mongo_records(url, FakeSeal()):
        pass


def indexes(database: Mongo) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (collection, name): dict(spec)
        for collection in database.list_collection_names()
        for name, spec in database[collection].index_information().items()
        if name != "_id_"
    }


def told(event: str, collection: str, index: str) -> dict[str, str]:
    return {"event": event, "collection": collection, "index": index}


async def test_a_new_database_gets_the_indexes_that_are_named(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)

    assert indexes(database).keys() == NAMED
    assert caplog.messages == []


async def test_the_next_start_finds_them_as_they_should_be(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)
    before = indexes(database)

    await start(mongo_database)

    assert indexes(database) == before
    assert caplog.messages == []


async def test_a_missing_one_is_made_again(mongo_database: str, database: Mongo) -> None:
    await start(mongo_database)
    database["media_items"].drop_index("media_pages_owner")

    await start(mongo_database)

    assert indexes(database).keys() == NAMED


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ({"key": -1}, {}),
        ({"key": 1, "owner": 1}, {}),
        ({"key": 1}, {"sparse": True}),
        ({"key": 1}, {"partialFilterExpression": {"shown": {"$exists": True}}}),
        ({"key": 1}, {"collation": {"locale": "en"}}),
    ],
)
async def test_one_that_differs_is_told_of_and_left_alone(
    mongo_database: str,
    database: Mongo,
    caplog: pytest.LogCaptureFixture,
    keys: dict[str, int],
    options: dict[str, Any],
) -> None:
    await start(mongo_database)
    items = database["media_items"]
    items.drop_index("media_items_file")
    items.create_index(list(keys.items()), name="media_items_file", **options)
    before = indexes(database)

    await start(mongo_database)

    assert [record.msg for record in caplog.records] == [
        told("mongo_index_differs", "media_items", "media_items_file")
    ]
    assert indexes(database) == before


async def test_an_unknown_one_is_told_of_and_left_alone(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)
    database["identities"].create_index("role", name="by_role")

    await start(mongo_database)

    assert [record.msg for record in caplog.records] == [
        told("mongo_index_unknown", "identities", "by_role")
    ]
    assert ("identities", "by_role") in indexes(database)


async def test_the_same_by_another_name_does_as_well(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    await start(mongo_database)
    items = database["media_items"]
    items.drop_index("media_items_file")
    items.create_index("key", name="theirs")

    await start(mongo_database)

    assert [record.msg for record in caplog.records] == [
        told("mongo_index_unknown", "media_items", "theirs")
    ]


async def test_what_keeps_names_apart_has_to_be_right(mongo_database: str, database: Mongo) -> None:
    await start(mongo_database)
    database["identities"].drop_index("identities_named")
    database["identities"].create_index("username_key", name="identities_named")

    with pytest.raises(DatabaseNotUsable, match=r"identities_named.*: drop it and start again"):
        await start(mongo_database)
