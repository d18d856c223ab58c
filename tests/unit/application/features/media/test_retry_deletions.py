"""A deletion that the store refuses is recorded and retried."""

import pytest

from application.features.media import deletions
from domain.features.media.item import FILE_DELETION_DELAY, ItemState
from tests.support.app_harness import AppHarness
from tests.support.media.stored import stored_items


@pytest.fixture
async def refused(app: AppHarness) -> str:
    """Delete an item while the store refuses; return its id."""
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    app.files.is_unavailable = True
    await app.media.delete_item(owner, item.id)
    assert list(app.files.contents) == [item.storage_key]
    return item.id


async def test_the_cleanup_retries_a_refused_deletion_until_the_store_accepts_it(
    app: AppHarness, refused: str
) -> None:
    assert await app.media.retry_deletions() == 0
    app.files.is_unavailable = False

    assert (await app.operations.cleanup())["retried_deletions"] == 1
    assert app.files.contents == {}
    assert stored_items(app.database)[refused].value.state is ItemState.DELETING
    assert await app.media.retry_deletions() == 0
    app.clock.advance(FILE_DELETION_DELAY)
    assert (await app.operations.cleanup())["deleted_items"] == 1
    assert stored_items(app.database) == {}


async def test_a_file_that_is_refused_again_does_not_stop_the_others(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await app.add_user()
    for _ in range(3):
        await app.upload_image(owner)
    app.files.is_unavailable = True
    await app.identities.delete_user(owner)
    app.files.is_unavailable = False
    app.faults.fail_on("media_files.delete")
    monkeypatch.setattr(deletions, "BATCH_SIZE", 2)
    monkeypatch.setattr(deletions, "_PARALLEL_DELETIONS", 1)

    assert await app.media.retry_deletions() == 3
    assert app.files.contents == {}


async def test_a_deletion_succeeds_although_it_cannot_be_marked_as_refused(app: AppHarness) -> None:
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    app.files.is_unavailable = True
    app.faults.fail_on("media_items.load", after="media_items.replace")

    await app.media.delete_item(owner, item.id)

    assert app.faults.has_fired
    assert stored_items(app.database)[item.id].value.state is ItemState.DELETING
