"""Opening a database: its users, and the indexes that a start creates."""

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
from tests.integration.adapters.databases.openings import MONGO_OPENING, PASSWORD
from tests.support.builders import a_delivery_report
from tests.support.repositories import open_mongo_repositories

pytestmark = pytest.mark.slow

Mongo = Database[dict[str, Any]]
DECLARED: Final = {(kind.name, index.name) for kind in (*KINDS, LIMITS) for index in kind.indexes}


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneMongo]:
    """A MongoDB with a user, who may write to `dialtone`."""
    folder: Path = tmp_path_factory.mktemp("protected")
    with StandaloneMongo(folder / "mongo", "--auth") as process:
        url = process.server.url
        with MongoClient[dict[str, Any]](url) as client:
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        with MongoClient[dict[str, Any]](url, username="root", password=PASSWORD) as client:
            client["dialtone"].command("createUser", "writer", pwd=PASSWORD, roles=["readWrite"])
        yield process


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (f"writer:{PASSWORD}x@", "rejects the user or the password"),
        ("", "does not let this user read and write"),
    ],
)
async def test_a_user_who_may_not_write_is_an_error(
    protected: StandaloneMongo, user: str, reason: str
) -> None:
    assert reason in await MONGO_OPENING.error(protected.database_url("dialtone", user=user))


async def test_a_standalone_server_and_a_user_who_may_read_and_write_are_enough(
    protected: StandaloneMongo,
) -> None:
    url = protected.database_url("dialtone", user=f"writer:{PASSWORD}@")
    async with open_mongo_repositories(url) as repositories:
        await repositories.health.check()
        assert await repositories.delivery_reports.add(a_delivery_report())


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


async def test_an_index_that_differs_is_an_error_and_not_changed(
    mongo_database: str, database: Mongo
) -> None:
    name = "identities_username_key"
    of_names = {"partialFilterExpression": {"username_key": {"$exists": True}}}
    await start(mongo_database)
    for keys, options in (
        ({"username_key": -1}, {"unique": True, **of_names}),
        ({"username_key": 1}, {"unique": True}),
        ({"username_key": 1}, {"unique": False, **of_names}),
    ):
        database["identities"].drop_index(name)
        database["identities"].create_index(list(keys.items()), name=name, **options)
        before = indexes(database)

        with pytest.raises(ConfigurationError, match=f"differs from {name} of identities"):
            await start(mongo_database)

        assert indexes(database) == before, options
