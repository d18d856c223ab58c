"""The library of a deleted user."""

from contextlib import nullcontext

import pytest

from application.principal import Principal
from domain.errors import UserNotFound
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.item import MediaItem
from domain.features.media.page import ItemFilter, PageRequest
from tests.support.app_harness import AppHarness
from tests.support.fault_injector import ProcessKilled
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


@pytest.mark.parametrize(
    "operation", ["media_items.list_owned_by", "media_items.replace", "media_files.delete"]
)
@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
async def test_a_deletion_that_is_interrupted_after_its_write_leaves_nothing_visible(
    app: AppHarness, operation: str, kill: bool
) -> None:
    principal = await app.add_user()
    item = (await app.upload_image(principal)).item
    app.faults.fail_on(operation, kill=kill)
    with pytest.raises(ProcessKilled) if kill else nullcontext():
        await app.identities.delete_user(principal)
    assert app.faults.has_fired
    app.faults.reset()
    await assert_invisible(app, principal, item)
