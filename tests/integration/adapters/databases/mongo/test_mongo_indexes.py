"""The indexes that a start creates."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from adapters.databases.records.database_metadata import SCHEMA_VERSION
from adapters.databases.records.limits import LIMITS
from application.ports.errors import ConfigurationError
from entrypoints.composition.features import KINDS
from tests.integration.adapters.databases.mongo.mongo_support import StandaloneMongo
from tests.support.repositories import open_mongo_repositories

pytestmark = pytest.mark.slow

Mongo = Database[dict[str, Any]]

DECLARED: Final = {(kind.name, index.name) for kind in (*KINDS, LIMITS) for index in kind.indexes}


def only_with(*fields: str, **values: str) -> dict[str, Any]:
    """The option of an index of the documents that have these fields, and these values."""
    return {"partialFilterExpression": {**{name: {"$exists": True} for name in fields}, **values}}


@pytest.fixture
def database(mongo_database: str) -> Iterator[Mongo]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


async def start(url: str) -> None:
    async with open_mongo_repositories(url):
        pass


def indexes(database: Mongo) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (collection, name): dict(spec)
        for collection in database.list_collection_names()
        for name, spec in database[collection].index_information().items()
        if name != "_id_"
    }


async def test_a_new_database_gets_the_declared_indexes_and_the_next_start_changes_none(
    mongo_database: str, database: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="adapters.databases.mongo")

    await start(mongo_database)
    before = indexes(database)
    await start(mongo_database)

    assert before.keys() == DECLARED
    assert indexes(database) == before
    assert [record.msg for record in caplog.records] == [
        {"event": "database_created", "schema_version": SCHEMA_VERSION}
    ]


async def test_a_missing_index_is_created_again_and_an_unknown_one_stays(
    mongo_database: str, database: Mongo
) -> None:
    await start(mongo_database)
    database["media_items"].drop_index("media_items_page_owner_id")
    database["identities"].create_index("role", name="by_role")

    await start(mongo_database)

    assert indexes(database).keys() == {*DECLARED, ("identities", "by_role")}


async def test_a_refused_index_is_named_and_a_closed_connection_is_not_a_question_of_tls(
    tmp_path: Path,
) -> None:
    with StandaloneMongo(tmp_path, "--setParameter=enableTestCommands=1") as process:
        url = process.database_url("dialtone", "?directConnection=true&timeoutMS=3000")

        async def opening_error(**failure: object) -> str:
            data = {"failCommands": ["createIndexes"], **failure}
            with MongoClient[dict[str, Any]](url) as client:
                client.admin.command(
                    "configureFailPoint", "failCommand", mode="alwaysOn", data=data
                )
            with pytest.raises(ConfigurationError) as error:
                await start(url)
            return str(error.value)

        refused = await opening_error(errorCode=67)
        assert "TLS" not in await opening_error(closeConnection=True)
    assert refused.startswith(
        f"{process.address}/dialtone refuses the index phone_verifications_expires_at of "
        "phone_verifications (expires_at) (OperationFailure 67 CannotCreateIndex): Dialtone "
        "needs a server with partial indexes."
    )


async def test_an_index_that_differs_is_an_error_and_not_changed(
    mongo_database: str, database: Mongo
) -> None:
    of_names = only_with("username_key")
    await start(mongo_database)
    name = "identities_username_key"
    for keys, options in (
        ({"username_key": -1}, {"unique": True, **of_names}),
        ({"username_key": 1}, {"unique": True}),
        ({"username_key": 1}, {"unique": False, **of_names}),
        ({"username_key": 1}, {"unique": True, "name": "another_name", **of_names}),
    ):
        database["identities"].drop_index(name)
        index = {"name": "identities_username_key", **options}
        name = database["identities"].create_index(list(keys.items()), **index)
        before = indexes(database)

        with pytest.raises(ConfigurationError, match="has an index that differs") as raised:
            await start(mongo_database)

        assert "differs from identities_username_key of identities" in str(raised.value)
        assert indexes(database) == before, options
