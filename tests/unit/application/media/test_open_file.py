"""The file of a ready item is opened by its storage key."""

import pytest

from application.ports.errors import StorageUnavailable
from domain.errors import MediaFileNotFound, Unavailable
from domain.media.item import ItemState
from tests.support.app_harness import GIF, AppHarness
from tests.support.builders import an_item


async def test_a_file_is_opened_by_its_storage_key(app: AppHarness, storage_key: str) -> None:
    opened = await app.use_cases.open_file(storage_key)
    content = b"".join([chunk async for chunk in opened.file.chunks])
    assert content == app.files.contents[storage_key]
    assert opened.file.size == len(content)
    assert opened.item.image.format.content_type == "image/gif"


async def test_a_file_without_item_is_not_found(app: AppHarness) -> None:
    app.files.contents["unknown.gif"] = GIF
    with pytest.raises(MediaFileNotFound):
        await app.use_cases.open_file("unknown.gif")


async def test_a_missing_file_is_not_found(app: AppHarness, storage_key: str) -> None:
    del app.files.contents[storage_key]
    with pytest.raises(MediaFileNotFound):
        await app.use_cases.open_file(storage_key)


async def test_opening_a_file_fails_without_store_or_database(
    app: AppHarness, storage_key: str
) -> None:
    app.files.is_unavailable = True
    with pytest.raises(Unavailable):
        await app.use_cases.open_file(storage_key)
    app.files.is_unavailable, app.database.is_unavailable = False, True
    with pytest.raises(StorageUnavailable):
        await app.use_cases.open_file(storage_key)


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.DELETING])
async def test_the_file_of_an_item_that_is_not_ready_is_not_found(
    app: AppHarness, state: ItemState
) -> None:
    item = an_item(state=state)
    await app.database.repositories().media_items.add(item)
    app.files.contents[item.storage_key] = GIF
    with pytest.raises(MediaFileNotFound):
        await app.use_cases.open_file(item.storage_key)
