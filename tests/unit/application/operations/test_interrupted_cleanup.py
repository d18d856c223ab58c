"""A cleanup that is interrupted at any step is completed by the next."""

from collections.abc import AsyncIterator

import pytest

from application.ports.errors import StorageUnavailable
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, ItemState
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id, an_item
from tests.support.fault_injector import ProcessKilled

pytestmark = pytest.mark.exhaustive

MAX_STEPS = 80


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


async def apps_at_each_step() -> AsyncIterator[tuple[AppHarness, int]]:
    for step in range(1, MAX_STEPS):
        yield await app_to_clean(), step


async def clean_forever(app: AppHarness) -> None:
    while True:
        await app.use_cases.cleanup()


async def clean_until_killed(app: AppHarness, step: int) -> None:
    app.faults.fail_at(step, kill=True)
    with pytest.raises(ProcessKilled):
        await clean_forever(app)
    app.faults.reset()


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


async def test_a_complete_cleanup_has_fewer_steps_than_these_tests_try() -> None:
    app = await app_to_clean()
    await assert_cleanup_completes(app)
    assert len(app.faults.calls) < MAX_STEPS


async def test_a_cleanup_killed_at_any_step_is_completed_by_the_next() -> None:
    async for app, step in apps_at_each_step():
        await clean_until_killed(app, step)
        await assert_cleanup_completes(app)


async def test_a_cleanup_that_fails_at_any_step_is_completed_by_the_next() -> None:
    async for app, step in apps_at_each_step():
        app.faults.fail_at(step)
        try:
            await app.use_cases.cleanup()
        except StorageUnavailable:
            pass
        finally:
            app.faults.reset()
        await assert_cleanup_completes(app)


async def test_a_login_between_two_halves_of_a_cleanup_is_kept() -> None:
    async for app, step in apps_at_each_step():
        await clean_until_killed(app, step)
        principal = await app.log_in(a_phone(1))
        uploaded = await app.upload_image(principal)
        await app.use_cases.cleanup()
        assert (await app.log_in(a_phone(1))).identity.id == principal.identity.id
        assert (await app.use_cases.get_item(uploaded.item.id)).item == uploaded.item
