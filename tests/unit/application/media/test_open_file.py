"""The file of a ready item is opened by its storage key."""

from collections.abc import Awaitable, Callable

import pytest

from application.media.open_file import OpenFile
from application.ports.errors import StorageUnavailable
from domain.errors import MediaFileNotFound, Unavailable
from domain.media.item import ItemState
from tests.support.app_harness import GIF, AppHarness
from tests.support.builders import NOW, an_item
from tests.support.stored_files import read_opened

OPERATIONS = [read_opened, OpenFile.get_info]
BY_EACH = pytest.mark.parametrize("open_or_get_info", OPERATIONS, ids=["open", "get_info"])
Operation = Callable[[OpenFile, str], Awaitable[object]]


async def test_a_file_is_opened_by_its_storage_key(app: AppHarness, storage_key: str) -> None:
    async with app.use_cases.open_file(storage_key) as opened:
        content = b"".join([chunk async for chunk in opened.file.chunks])
        assert content == app.files.contents[storage_key]
        assert opened.file.size == len(content)
        assert opened.item.image.format.content_type == "image/gif"


async def test_the_size_is_known_without_opening_the_file(
    app: AppHarness, storage_key: str
) -> None:
    app.faults.fail_on("media_files.open_file")
    info = await app.use_cases.open_file.get_info(storage_key)
    assert info.size == len(app.files.contents[storage_key])


async def test_a_file_is_public_where_urls_do_not_expire(app: AppHarness, storage_key: str) -> None:
    assert await app.use_cases.open_file.is_public(storage_key)

    app.files.expires_at = NOW

    assert not await app.use_cases.open_file.is_public(storage_key)


@BY_EACH
async def test_a_file_without_item_and_an_item_without_file_are_not_found(
    app: AppHarness, storage_key: str, open_or_get_info: Operation
) -> None:
    app.files.contents = {"unknown.gif": GIF}
    for key in ("unknown.gif", storage_key):
        with pytest.raises(MediaFileNotFound):
            await open_or_get_info(app.use_cases.open_file, key)


@BY_EACH
async def test_opening_a_file_fails_without_store_or_database(
    app: AppHarness, storage_key: str, open_or_get_info: Operation
) -> None:
    app.files.is_unavailable = True
    with pytest.raises(Unavailable):
        await open_or_get_info(app.use_cases.open_file, storage_key)
    app.files.is_unavailable, app.database.is_unavailable = False, True
    with pytest.raises(StorageUnavailable):
        await open_or_get_info(app.use_cases.open_file, storage_key)


@BY_EACH
@pytest.mark.parametrize(
    "state", [ItemState.PENDING, ItemState.DELETING, ItemState.DELETION_REFUSED]
)
async def test_the_file_of_an_item_that_is_not_ready_is_not_found(
    app: AppHarness, state: ItemState, open_or_get_info: Operation
) -> None:
    item = an_item(state=state)
    await app.database.repositories().media_items.add(item)
    app.files.contents[item.storage_key] = GIF
    with pytest.raises(MediaFileNotFound):
        await open_or_get_info(app.use_cases.open_file, item.storage_key)
