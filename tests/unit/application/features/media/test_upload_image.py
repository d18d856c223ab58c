"""An upload writes the record, then the file, and then marks the item ready."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from unittest.mock import ANY, Mock

import pytest

from application.ports.errors import (
    ConcurrencyConflict,
    MediaFileRejected,
    MediaStorageFull,
    MediaStorageUnavailable,
    StorageTimeout,
)
from application.principal import Principal
from domain.administration.audit import AuditAction
from domain.errors import Forbidden, Unauthenticated, UserNotFound
from domain.features.media.errors import ItemSaveFailed, UnsupportedImageType
from domain.features.media.image import VariantSpec
from domain.features.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, ItemFilter, PageRequest
from domain.features.media.usage import MediaUsage
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Attempt, at_each_operation, before_each_operation
from tests.support.builders import a_phone, an_id
from tests.support.images import still_gif
from tests.support.media.stored import stored_items, stored_usages


@pytest.fixture
def principal(owner: Principal) -> Principal:
    return owner


async def test_an_uploaded_image_is_in_the_library_and_its_file_in_the_store(
    app: AppHarness, principal: Principal
) -> None:
    uploaded = await app.upload_image(principal, still_gif() + b"hidden", category="Party  ")
    item = uploaded.item
    assert (item.owner_id, item.category, item.is_ready) == (principal.identity.id, "Party  ", True)
    assert item.created_at == app.clock.now()
    ((storage_key, stored),) = app.files.contents.items()
    assert (storage_key, len(stored)) == (item.storage_key, item.image.bytes)
    assert b"hidden" not in stored
    assert (await app.get_item(item.id)).item == item
    assert uploaded.url.url.endswith(item.storage_key)


async def test_an_item_whose_id_is_taken_is_not_saved(
    app: AppHarness, principal: Principal
) -> None:
    same = replace(app, randomness=Mock(bytes=bytes))
    kept = await same.upload_image(principal)

    with pytest.raises(ConcurrencyConflict):
        await same.upload_image(principal)

    assert (await same.get_item(kept.item.id)).item == kept.item


async def test_an_administrator_uploads_for_any_user_on_the_own_account(
    app: AppHarness, principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Mock(wraps=app.image_publisher.publish)
    monkeypatch.setattr(app.image_publisher, "publish", publish)
    administrator = await app.add_administrator(a_phone(3))
    uploaded = await app.upload_image(administrator, owner_id=principal.identity.id)
    assert uploaded.item.owner_id == principal.identity.id
    publish.assert_called_once_with(ANY, administrator.identity.id, ())
    other = await app.add_administrator(a_phone(4))
    with pytest.raises(Forbidden):
        await app.upload_image(administrator, owner_id=other.identity.id)
    with pytest.raises(UnsupportedImageType):
        await app.upload_image(administrator, b"no image", owner_id=principal.identity.id)
    await app.identities.delete_user(principal)
    for user_id in (principal.identity.id, an_id(99)):
        with pytest.raises(UserNotFound):
            await app.upload_image(administrator, owner_id=user_id)
    [entry] = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.UPLOAD_ITEM, principal.identity.id)


# Errors


async def assert_nothing_is_left(app: AppHarness) -> None:
    """Assert that the library is empty, and after a cleanup database and files too."""
    assert (await app.list_items(ItemFilter(), PageRequest())).total == 0
    for duration in (timedelta(0), UPLOAD_TIMEOUT, FILE_DELETION_DELAY):
        app.clock.advance(duration)
        await app.operations.cleanup()
    assert (await app.operations.cleanup()).total() == 0
    assert app.files.contents == {}
    assert stored_items(app.database) == {}
    for usage in stored_usages(app.database).values():
        assert usage.value == MediaUsage(usage.value.id)
        assert not app.database.identities[usage.value.id].value.is_deleted


async def test_an_upload_whose_last_write_has_no_response_is_reversed(
    app: AppHarness, principal: Principal
) -> None:
    app.faults.fail_on("media_items.replace", is_done=True)
    with pytest.raises(StorageTimeout):
        await app.upload_image(principal)
    assert app.files.contents == {}
    await assert_nothing_is_left(app)


@pytest.mark.parametrize(
    "error", [MediaStorageFull, MediaFileRejected, MediaStorageUnavailable, ItemSaveFailed]
)
async def test_an_upload_that_is_not_stored_or_is_late_says_why_and_leaves_nothing(
    app: AppHarness, principal: Principal, error: type[Exception]
) -> None:
    async def interrupt() -> None:
        if error is not ItemSaveFailed:
            raise error("a reason")
        app.clock.advance(UPLOAD_TIMEOUT)

    app.faults.run_before("media_files.write", interrupt)
    with pytest.raises(error):
        await app.upload_image(principal)
    await assert_nothing_is_left(app)


async def start_upload() -> tuple[AppHarness, Attempt, Principal]:
    app = AppHarness(policy=make_policy(variant_specs=[VariantSpec("thumb", 4, 4)]))
    principal = await app.add_user()
    return app, Attempt(partial(app.upload_image, principal)), principal


async def test_an_interrupted_upload_is_complete_or_leaves_nothing() -> None:
    outcomes = []
    async for app, _, principal in at_each_operation(start_upload):
        # What the cleanup deletes is no finding of a check.
        assert (await app.media.check_media.find(lambda _: None)).orphans == 0
        items = [stored.value for stored in stored_items(app.database).values()]
        is_complete = any(item.is_ready for item in items)
        outcomes.append(is_complete)
        if is_complete:
            assert app.files.contents.keys() == {*items[0].storage_keys}
            await app.identities.delete_user(principal)
        else:
            await assert_nothing_is_left(app)
    assert outcomes.count(True) == 3  # two calls for the usage fail, or the process is killed


async def test_deleting_the_owner_before_any_operation_leaves_nothing() -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, str]:
        app, upload, principal = await start_upload()

        async def delete() -> None:
            await app.identities.delete_user(principal)
            await app.operations.cleanup()

        return app, upload, delete, principal.identity.id

    results = []
    async for app, upload, _, owner_id in before_each_operation(start):
        results.append(type(upload.result))
        assert app.database.identities[owner_id].value.is_deleted
        await assert_nothing_is_left(app)
    assert set(results[:-3]) == {Unauthenticated}  # then the item is ready
