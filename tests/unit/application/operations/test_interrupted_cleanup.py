"""A cleanup that is interrupted at any operation is completed by the next."""

from contextlib import suppress

import pytest

from application.ports.errors import StorageUnavailable
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, ItemState
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id, an_item
from tests.support.fault_injector import ProcessKilled


async def app_to_clean() -> AppHarness:
    """Return an app with an expired upload, a deleted item and a deleted identity with items."""
    app = AppHarness()
    principal = await app.add_user(a_phone(1), "Rahul")
    uploaded = {(await app.upload_image(principal)).item.storage_key for _ in range(2)}
    now = app.clock.now()
    pending = an_item(id=an_id(71), state=ItemState.PENDING, upload_deadline=now + UPLOAD_TIMEOUT)
    deleting = an_item(id=an_id(72), state=ItemState.DELETING, deletion_requested_at=now)
    for item in (pending, deleting):
        await app.database.repositories().media_items.add(item)
        app.files.contents[item.storage_key] = b"content"
    app.clock.advance(FILE_DELETION_DELAY)
    app.faults.fail_on("media_cleanup.list_owned_by", kill=True)
    with pytest.raises(ProcessKilled):
        await app.use_cases.delete_user(principal)
    app.faults.reset()
    assert uploaded < set(app.files.contents)
    return app


async def assert_cleanup_completes(app: AppHarness) -> None:
    await app.use_cases.cleanup()
    app.clock.advance(FILE_DELETION_DELAY)
    await app.use_cases.cleanup()
    assert (await app.use_cases.cleanup()).total == 0
    assert app.files.contents == {}
    assert app.database.media_items == {}
    (identity,) = app.database.identities.values()
    assert identity.value.purged_at
    assert app.database.phone_verifications[a_phone(1)].value.identity_id is None


async def operations_of_a_cleanup() -> set[str]:
    app = await app_to_clean()
    await app.use_cases.cleanup()
    return set(app.faults.calls)


async def test_an_interrupted_cleanup_is_completed_by_the_next_and_keeps_a_login_between() -> None:
    for operation in await operations_of_a_cleanup():
        for kill, with_login in ((False, False), (True, False), (True, True)):
            app = await app_to_clean()
            app.faults.fail_on(operation, kill=kill)
            with suppress(StorageUnavailable, ProcessKilled):
                await app.use_cases.cleanup()
            assert app.faults.has_fired
            app.faults.reset()
            if not with_login:
                await assert_cleanup_completes(app)
                continue
            principal = await app.log_in(a_phone(1))
            uploaded = await app.upload_image(principal)
            await app.use_cases.cleanup()
            assert (await app.log_in(a_phone(1))).identity.id == principal.identity.id
            assert (await app.use_cases.get_item(uploaded.item.id)).item == uploaded.item
