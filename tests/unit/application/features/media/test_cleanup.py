"""The cleanup deletes what nothing shows of the library, and nothing else."""

from datetime import timedelta
from functools import partial

import pytest

from application.features.media import deletions
from application.operations.cleanup import CleanupReport
from application.pacing import Pace
from application.ports.errors import MediaStorageUnavailable
from application.principal import Principal
from domain.errors import UserNotFound
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.item import (
    FILE_DELETION_DELAY,
    UPLOAD_TIMEOUT,
    ItemFilter,
    ItemState,
    MediaItem,
    PageRequest,
)
from domain.otp.phone_verification import PhoneVerification
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import NOW, a_deleted_identity, a_phone, a_user, an_id
from tests.support.fault_injector import ProcessKilled
from tests.support.media.builders import an_item
from tests.support.media.stored import media_repositories, stored_items
from tests.support.stored_files import read_opened

TICK = timedelta(milliseconds=1)


async def add_item(app: AppHarness, item: MediaItem) -> None:
    assert await media_repositories(app.database).items.add(item)


async def test_the_file_of_a_deleted_item_is_deleted_again_before_its_record(
    app: AppHarness,
) -> None:
    item = an_item(state=ItemState.DELETING, deletion_requested_at=NOW)
    await add_item(app, item)
    app.clock.advance(FILE_DELETION_DELAY - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.files.contents[item.storage_key] = b"from a very slow upload"
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(deleted_items=1)
    assert app.files.contents == {}
    assert stored_items(app.database) == {}


async def test_an_unavailable_store_keeps_the_record_and_stops_no_other_cleanup(
    app: AppHarness,
) -> None:
    repositories = app.database.repositories()
    await add_item(app, an_item(state=ItemState.DELETING, deletion_requested_at=NOW))
    await repositories.identities.add(a_deleted_identity(user=a_user()))
    await repositories.phone_verifications.save(a_phone(), PhoneVerification(), 0)
    app.clock.advance(timedelta(days=30))
    app.files.is_unavailable = True
    assert await app.operations.cleanup() == CleanupReport(
        purged_identities=1,
        released_usernames=1,
        expired_phone_verifications=1,
        refused_deletions=1,
    )
    app.files.is_unavailable = False
    assert await app.operations.cleanup() == CleanupReport(deleted_items=1)


async def test_unfinished_files_are_deleted_after_the_longest_upload(app: AppHarness) -> None:
    app.files.unfinished = [NOW, NOW + TICK]
    app.clock.advance(FILE_DELETION_DELAY + TICK)
    assert await app.operations.cleanup() == CleanupReport(unfinished_files=1)
    assert app.files.unfinished == [NOW + TICK]


async def test_it_pauses_between_the_items_of_one_deleted_account(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "BATCH_SIZE", 2)
    repositories, deleted = app.database.repositories(), a_deleted_identity()
    await repositories.identities.add(deleted)
    for number in range(5):
        await add_item(app, an_item(id=an_id(number), owner_id=deleted.id))
    left: list[int] = []

    async def pause(_: Pace) -> None:
        states = [stored.value.state for stored in stored_items(app.database).values()]
        left.append(states.count(ItemState.READY))

    monkeypatch.setattr(Pace, "pause", pause)
    await app.operations.cleanup()

    assert left[:3] == [3, 1, 0]


async def start_cleanup() -> tuple[AppHarness, Act]:
    """Return the cleanup of an expired upload, a deleted item and an identity with an item."""
    app = AppHarness()
    principal = await app.add_user(a_phone(1), "Rahul")
    uploaded = (await app.upload_image(principal)).item.storage_key
    now = app.clock.now()
    pending = an_item(id=an_id(71), state=ItemState.PENDING, upload_deadline=now + UPLOAD_TIMEOUT)
    deleting = an_item(id=an_id(72), state=ItemState.DELETING, deletion_requested_at=now)
    for item in (pending, deleting):
        await add_item(app, item)
        app.files.contents[item.storage_key] = b"content"
    app.clock.advance(FILE_DELETION_DELAY)
    app.faults.fail_on("media_items.list_owned_by", kill=True)
    with pytest.raises(ProcessKilled):
        await app.identities.delete_user(principal)
    app.faults.reset()
    assert uploaded in app.files.contents
    return app, app.operations.cleanup


@pytest.mark.slow
async def test_an_interrupted_cleanup_is_completed_by_the_next_and_keeps_a_login_between() -> None:
    async for app, clean_up in at_each_operation(start_cleanup, Fault.KILLED):
        principal = await app.log_in(a_phone(1))
        uploaded = (await app.upload_image(principal)).item
        await clean_up()
        app.clock.advance(timedelta(days=10_000))
        await clean_up()

        assert (await app.operations.cleanup()).total() == 0
        assert app.files.contents.keys() == {uploaded.storage_key}
        assert stored_items(app.database).keys() == {uploaded.id}
        deleted, _ = app.database.identities.values()
        assert deleted.value.purged_at
        assert (await app.log_in(a_phone(1))).identity.id == principal.identity.id


async def test_the_cleanup_retries_a_refused_deletion_until_the_store_accepts_it(
    app: AppHarness,
) -> None:
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    app.files.is_unavailable = True
    await app.media.delete_item(owner, item.id)
    assert list(app.files.contents) == [item.storage_key]
    with pytest.raises(MediaStorageUnavailable):
        await app.media.retry_deletions()
    assert (await app.operations.cleanup())["refused_deletions"] == 1
    app.files.is_unavailable = False

    assert (await app.operations.cleanup())["retried_deletions"] == 1
    assert app.files.contents == {}
    assert await app.media.retry_deletions() == 0


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
