"""Changes of items are numbered, also if somebody has deleted the number."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from adapters.mongo import open_mongo_repositories
from adapters.mongo.media_item_changes import CHANGES_ID
from application.ports.repositories import Repositories
from domain.media.page import ItemFilter
from tests.support.builders import NOW, an_id, an_item
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
async def test_an_item_is_replaced_or_not_with_and_without_a_number(
    repositories: Repositories, collection: Collection[dict[str, Any]], has_number: bool
) -> None:
    items = repositories.media_items
    await items.add(an_item())

    for version, is_replaced in ((2, False), (1, True)):
        if not has_number:
            collection.delete_one(NUMBER)
        assert await items.replace(an_item(category="wheels"), version) is is_replaced
        loaded = await items.load(an_id())
        assert loaded is not None
        assert (loaded.value.category == "wheels") is is_replaced

    assert await repositories.media_pages.last_change() is not None


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
    repositories: Repositories, collection: Collection[dict[str, Any]]
) -> None:
    items = repositories.media_items
    await items.add(an_item())
    number = await repositories.media_pages.last_change()
    collection.delete_one(NUMBER)

    assert await items.replace(an_item().mark_for_deletion(NOW), 1)

    assert await repositories.media_pages.last_change() not in (None, number)
