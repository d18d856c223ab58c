"""Reading the database of hookaba-backend."""

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

from adapters.mongo.hookaba import open_hookaba_database
from application.ports.errors import ConfigurationError
from application.ports.older_service import OlderItem, OlderUser, UnreadableRow

CREATED_ON = datetime(2025, 6, 1, 12, 0, 0, 123_000, tzinfo=UTC)
USER = {"username": "Asha", "number": "+919876543210", "admin": False, "created_on": CREATED_ON}
ITEM = {
    "url": "https://images.s3.us-east-1.amazonaws.com/cat.jpg",
    "user_id": "68b1c0a5d2f04e7a9c3b1d20",
    "type": "image",
    "category": "pets",
    "created_at": CREATED_ON,
}
READS = {"count", "find", "listCollections", "endSessions"}
"""The last one tells the server that the client goes."""


class Commands(CommandListener):
    """The names of the commands that were sent."""

    def __init__(self) -> None:
        self.names = list[str]()

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Do nothing."""


@pytest.fixture
def database(mongo_database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client.get_default_database()


async def read(url: str, kind: str, limit: int = 2) -> list[Any]:
    async with open_hookaba_database(url) as service:
        pages = service.read_users(limit) if kind == "users" else service.read_items(limit)
        return [row async for page in pages for row in page]


async def test_users_and_rows_are_read_in_the_order_of_their_ids(
    database: Any, mongo_database: str
) -> None:
    ids = [ObjectId(f"{number:024x}") for number in range(5)]
    for row_id in reversed(ids):
        database.users.insert_one({**USER, "_id": row_id, "email": "a@b", "nick": None})
        database.library.insert_one({**ITEM, "_id": row_id})

    users, items = await read(mongo_database, "users"), await read(mongo_database, "library")

    assert [user.id for user in users] == [str(row_id) for row_id in ids]
    assert users[1] == OlderUser(str(ids[1]), "+919876543210", "Asha", CREATED_ON, unread=["email"])
    assert [item.id for item in items] == [str(row_id) for row_id in ids]
    url, owner = str(ITEM["url"]), str(ITEM["user_id"])
    assert items[1] == OlderItem(str(ids[1]), owner, url, "pets", CREATED_ON, ["type"])


async def test_a_row_whose_text_is_not_utf8_is_unreadable_alone(
    database: Any, mongo_database: str
) -> None:
    row_id = ObjectId("68b1c0a5d2f04e7a9c3b1d20")
    document = encode({**USER, "_id": row_id, "username": "As?a"})
    database.users.insert_one(RawBSONDocument(document.replace(b"As?a", b"As\xffa")))
    database.users.insert_one({**USER, "_id": ObjectId("68b1c0a5d2f04e7a9c3b1d21")})

    broken, user = await read(mongo_database, "users")

    assert broken == UnreadableRow(str(row_id), "username")
    assert user.username == "Asha"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"_id": "9876543210"}, "_id"),
        ({"_id": 42}, "_id"),
        ({"number": None}, "number"),
        ({"number": 9876543210}, "number"),
        ({"username": ["Asha"]}, "username"),
        ({"created_on": "yesterday"}, "created_on"),
    ],
)
async def test_a_user_that_cannot_be_read_names_the_field(
    database: Any, mongo_database: str, changes: dict[str, Any], field: str
) -> None:
    database.users.insert_one({**USER, **changes})

    (row,) = await read(mongo_database, "users")

    assert isinstance(row, UnreadableRow)
    assert row.reason == field


async def test_a_user_without_time_has_that_of_the_id(database: Any, mongo_database: str) -> None:
    user_id = database.users.insert_one({"number": "+919876543210"}).inserted_id

    (user,) = await read(mongo_database, "users")

    time = user_id.generation_time
    assert user == OlderUser(str(user_id), "+919876543210", None, time, unread=[])


@pytest.mark.parametrize(("admin", "expected"), [(True, True), ("yes", True), ("false", False)])
async def test_administrators_are_known(
    database: Any, mongo_database: str, admin: object, expected: bool
) -> None:
    database.users.insert_one({**USER, "admin": admin})

    (user,) = await read(mongo_database, "users")

    assert user.is_administrator is expected


@pytest.mark.parametrize("field", ["url", "user_id", "category", "created_at"])
async def test_a_row_that_cannot_be_read_names_the_field(
    database: Any, mongo_database: str, field: str
) -> None:
    database.users.insert_one(USER)
    database.library.insert_one({**ITEM, field: 1})

    (row,) = await read(mongo_database, "library")

    assert isinstance(row, UnreadableRow)
    assert row.reason == field


async def test_nothing_is_written_and_no_code_is_read(database: Any, mongo_database: str) -> None:
    database.users.insert_one(USER)
    database.library.insert_one(ITEM)
    database.otps.insert_one({"phone": "+919876543210", "otp": "123456"})
    indexes = {name: database[name].index_information() for name in ("users", "library", "otps")}
    commands = Commands()

    async with open_hookaba_database(mongo_database, [commands]) as service:
        assert (await service.count_users(), await service.count_items()) == (1, 1)
        assert len([page async for page in service.read_users(10)]) == 1
        assert len([page async for page in service.read_items(10)]) == 1

    assert set(commands.names) <= READS
    assert "otps" not in str(commands.names)
    assert set(database.list_collection_names()) == {"users", "library", "otps"}
    assert indexes == {name: database[name].index_information() for name in indexes}


async def test_another_database_is_an_error_in_words(mongo_database: str) -> None:
    with pytest.raises(ConfigurationError, match="has no collection users: name the database"):
        await read(mongo_database, "users")
