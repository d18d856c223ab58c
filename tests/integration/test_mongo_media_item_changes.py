"""Changes of items are numbered, also if somebody has deleted the number."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from adapters.mongo import open_mongo_repositories
from adapters.mongo.media_item_changes import CHANGES_ID
from application.ports.repositories import Repositories
from domain.media.page import ItemFilter
from tests.integration.mongo_support import open_logged
from tests.support.builders import an_id, an_item
from tests.support.fakes.phone_encryption import FakePhoneEncryption

NUMBER = {"_id": CHANGES_ID}


@pytest.fixture
async def repositories(emptied_mongo_database: str) -> AsyncIterator[Repositories]:
    async with open_mongo_repositories(emptied_mongo_database, FakePhoneEncryption()) as opened:
        yield opened


@pytest.fixture
def collection(
    emptied_mongo_database: str, repositories: Repositories
) -> Iterator[Collection[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](emptied_mongo_database) as client:
        yield client.get_default_database()["media_items"]


async def test_a_new_database_has_a_number_which_is_no_item(repositories: Repositories) -> None:
    pages = repositories.media_pages
    assert await pages.last_change() is not None
    assert await pages.list_page(ItemFilter(), 0, 10) == []
    assert await pages.count(ItemFilter(), 10) == 0


async def test_to_open_a_database_again_changes_nothing(
    repositories: Repositories, emptied_mongo_database: str
) -> None:
    await repositories.media_items.add(an_item())
    number = await repositories.media_pages.last_change()
    async with open_mongo_repositories(emptied_mongo_database, FakePhoneEncryption()) as other:
        assert await other.media_pages.last_change() == number


@pytest.mark.parametrize("has_number", [True, False])
async def test_items_are_replaced_or_not_with_and_without_a_number(
    repositories: Repositories, collection: Collection[dict[str, Any]], has_number: bool
) -> None:
    items = repositories.media_items
    stored = [an_item(id=an_id(number), storage_key=f"{number}.jpg") for number in range(10)]
    for item in stored:
        await items.add(item)
    if not has_number:
        collection.delete_one(NUMBER)

    replaced = await asyncio.gather(
        *(
            items.replace(item.categorize("wheels"), version)
            for item in stored
            for version in (1, 2, 7)
        )
    )

    # The second version may be there already when its replacement arrives.
    for number, item in enumerate(stored):
        loaded = await items.load(item.id)
        assert loaded is not None
        assert sum(replaced[3 * number :][:3]) == loaded.version - 1
        assert replaced[3 * number] is True
        assert replaced[3 * number + 2] is False


async def test_without_a_number_pages_are_read_and_items_deleted(
    repositories: Repositories, collection: Collection[dict[str, Any]]
) -> None:
    items = repositories.media_items
    collection.delete_one(NUMBER)
    await items.add(an_item())

    assert await repositories.media_pages.last_change() is None
    assert await repositories.media_pages.count(ItemFilter(), 10) == 1
    assert not await items.delete(an_id(), 2)
    assert await items.delete(an_id(), 1)


async def test_a_number_that_was_deleted_does_not_come_again(
    repositories: Repositories,
    collection: Collection[dict[str, Any]],
    emptied_mongo_database: str,
) -> None:
    number = await repositories.media_pages.last_change()
    collection.delete_one(NUMBER)

    async with open_mongo_repositories(emptied_mongo_database, FakePhoneEncryption()):
        assert await repositories.media_pages.last_change() not in (None, number)


async def test_a_document_without_a_number_is_no_number(
    repositories: Repositories, collection: Collection[dict[str, Any]]
) -> None:
    collection.replace_one(NUMBER, {})
    assert await repositories.media_pages.last_change() is None


async def test_the_number_is_read_as_durably_as_pages(emptied_mongo_database: str) -> None:
    async with open_logged(emptied_mongo_database) as (repositories, log):
        await repositories.media_pages.last_change()
        await repositories.media_pages.list_page(ItemFilter(), 0, 10)
        await repositories.media_pages.count(ItemFilter(), 10)

    assert [command["readConcern"] for command in log.sent] == [{"level": "majority"}] * 3
