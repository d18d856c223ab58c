"""The library of a deleted user."""

from functools import partial

import pytest

from application.principal import Principal
from domain.errors import UserNotFound
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.item import MediaItem
from domain.features.media.page import ItemFilter, PageRequest
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, at_each_operation
from tests.support.stored_files import read_opened


async def assert_invisible(app: AppHarness, principal: Principal, item: MediaItem) -> None:
    with pytest.raises(UserNotFound):
        await app.identities.get_user(principal.identity.id)
    with pytest.raises(ItemNotFound):
        await app.get_item(item.id)
    with pytest.raises(MediaFileNotFound):
        await read_opened(app.media.open_file, item.storage_key)
    page = await app.list_items(ItemFilter(), PageRequest())
    assert page.items == []


async def test_a_deleted_user_and_its_files_are_gone_at_once(app: AppHarness) -> None:
    principal = await app.add_user()
    items = [(await app.upload_image(principal)).item for _ in range(3)]
    await app.identities.delete_user(principal)
    await assert_invisible(app, principal, items[0])
    assert app.files.contents == {}


async def test_a_deletion_that_is_interrupted_after_its_write_leaves_nothing_visible() -> None:
    async def start() -> tuple[AppHarness, Act, Principal, MediaItem]:
        app = AppHarness()
        principal = await app.add_user()
        item = (await app.upload_image(principal)).item
        return app, partial(app.identities.delete_user, principal), principal, item

    interrupted = 0
    async for app, _, principal, item in at_each_operation(start):
        if app.database.identities[principal.identity.id].value.is_deleted:
            interrupted += 1
            await assert_invisible(app, principal, item)
    assert interrupted > 5
