"""Reading the database of another service."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId, encode
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from adapters.databases.mongo.source_database import open_source_database
from application.features.imports.ports import Document

CREATED_ON = datetime(2025, 6, 1, 12, 0, 0, 123_000, tzinfo=UTC)
USER = {"username": "Asha", "created_on": CREATED_ON}
READS = {"count", "find", "listCollections", "endSessions"}
"""The last one tells the server that the client goes."""


class Commands(CommandListener):
    """The commands that were sent, and the collections that they name."""

    def __init__(self) -> None:
        self.names = set[str]()
        self.collections = set[str]()

    def started(self, event: CommandStartedEvent) -> None:
        self.names.add(event.command_name)
        if event.command_name in ("count", "find"):
            self.collections.add(event.command[event.command_name])

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Do nothing."""


@pytest.fixture
def database(mongo_database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


async def read_users(url: str) -> list[Document]:
    async with open_source_database(url) as source:
        return [document async for document in source.collection("users", page_size=2).read()]


async def test_documents_are_read_in_the_order_of_their_ids(
    database: Any, mongo_database: str
) -> None:
    ids = [ObjectId(f"{number:024x}") for number in range(5)]
    for user_id in reversed(ids):
        database.users.insert_one({**USER, "_id": user_id})

    users = await read_users(mongo_database)

    assert users == [Document(str(user_id), user_id.generation_time, USER) for user_id in ids]


async def test_a_text_that_is_not_utf8_is_read_with_replacements(
    database: Any, mongo_database: str
) -> None:
    document = encode({**USER, "_id": ObjectId(), "username": "As?a"})
    database.users.insert_one(RawBSONDocument(document.replace(b"As?a", b"As\xffa")))

    (user,) = await read_users(mongo_database)

    assert user.fields["username"] == "As\ufffda"


@pytest.mark.parametrize(("user_id", "text"), [("9" * 100, "9" * 64), (42, "42")])
async def test_an_id_of_another_form_has_no_time(
    database: Any, mongo_database: str, user_id: object, text: str
) -> None:
    made = database.users.insert_one(dict(USER)).inserted_id
    database.users.insert_one({**USER, "_id": user_id})

    users = await read_users(mongo_database)

    assert [user.id for user in users] == [str(made), text]
    assert users[1].made_at is None


async def test_nothing_is_written_and_no_other_collection_is_read(
    database: Any, mongo_database: str
) -> None:
    for name in ("users", "library", "otps"):
        database[name].insert_one(dict(USER))
    indexes = {name: database[name].index_information() for name in ("users", "library", "otps")}
    commands = Commands()

    async with open_source_database(mongo_database, [commands]) as source:
        for name in ("users", "library"):
            documents = source.collection(name)
            assert await documents.count() == 1
            assert len([document async for document in documents.read()]) == 1

    assert commands.names <= READS
    assert commands.collections == {"users", "library"}
    assert set(database.list_collection_names()) == {"users", "library", "otps"}
    assert indexes == {name: database[name].index_information() for name in indexes}
