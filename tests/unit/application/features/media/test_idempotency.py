"""An upload that is repeated with its idempotency key makes no second item."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from application.features.media.upload_image import IdempotentUploads
from application.ports.errors import StorageTimeout
from application.principal import Principal
from domain.features.media.errors import (
    IdempotencyKeyReused,
    ItemDeleted,
    UnsupportedImageType,
    UploadInProgress,
)
from domain.features.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT
from domain.features.media.usage import IDEMPOTENCY_KEY_TTL
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.images import plain_jpeg
from tests.support.media.stored import stored_idempotency_keys, stored_items

KEY: Final[dict[str, Any]] = {"idempotency_key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


async def test_the_same_upload_returns_its_item_for_a_day(
    app: AppHarness, owner: Principal, other: Principal
) -> None:
    first = await app.upload_image(owner, **KEY)
    assert (await app.upload_image(owner, **KEY)).item == first.item
    assert (await app.upload_image(other, **KEY)).item != first.item
    assert (await app.upload_image(owner, idempotency_key="another")).item != first.item
    app.clock.advance(IDEMPOTENCY_KEY_TTL)
    assert (await app.upload_image(owner, **KEY)).item != first.item


@pytest.mark.parametrize(
    "changes",
    [{"content": plain_jpeg(8, 6)}, {"category": ""}, {"category": "b"}, {"claimed_type": "gif"}],
)
async def test_other_bytes_or_fields_are_an_error(
    app: AppHarness, owner: Principal, changes: dict[str, Any]
) -> None:
    await app.upload_image(owner, **KEY)
    with pytest.raises(IdempotencyKeyReused):
        await app.upload_image(owner, **{**KEY, **changes})
    assert len(stored_items(app.database)) == 1


async def test_one_of_parallel_uploads_wins(app: AppHarness, owner: Principal) -> None:
    uploads = [app.upload_image(owner, **KEY) for _ in range(10)]
    results = await asyncio.gather(*uploads, return_exceptions=True)
    assert len(stored_items(app.database)) == 1
    losers = [result for result in results if isinstance(result, BaseException)]
    assert {type(loser) for loser in losers} <= {UploadInProgress}
    assert len(losers) < 10


@pytest.mark.parametrize("wait", [timedelta(0), FILE_DELETION_DELAY])
async def test_the_key_of_a_deleted_item_is_gone(
    app: AppHarness, owner: Principal, wait: timedelta
) -> None:
    item = (await app.upload_image(owner, **KEY)).item
    await app.media.delete_item(owner, item.id)
    app.clock.advance(wait)
    await app.operations.cleanup()
    with pytest.raises(ItemDeleted):
        await app.upload_image(owner, **KEY)


async def test_a_deleted_item_is_gone_although_its_key_was_not_completed(
    app: AppHarness, owner: Principal
) -> None:
    app.faults.fail_on("idempotency_keys.replace")
    item = (await app.upload_image(owner, **KEY)).item
    app.faults.reset()
    await app.media.delete_item(owner, item.id)

    for wait in (timedelta(0), UPLOAD_TIMEOUT):
        app.clock.advance(wait)
        with pytest.raises(ItemDeleted):
            await app.upload_image(owner, **KEY)


def has_ready_item(app: AppHarness) -> bool:
    return any(stored.value.is_ready for stored in stored_items(app.database).values())


async def start_upload() -> tuple[AppHarness, Act, Principal]:
    app = AppHarness()
    owner = await app.add_user()
    return app, partial(app.upload_image, owner, **KEY), owner


async def test_an_upload_that_failed_has_freed_its_key() -> None:
    failed = 0
    async for app, repeat, owner in at_each_operation(start_upload, Fault.FAILS):
        if has_ready_item(app):
            continue
        failed += 1
        with pytest.raises(UnsupportedImageType):
            await app.upload_image(owner, b"no image", **KEY)
        await repeat()
        assert has_ready_item(app)
    assert failed > 3


async def test_an_upload_whose_last_response_was_lost_is_no_deleted_item(
    app: AppHarness, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def release_nothing(*_: object) -> None:
        """As if the process had ended before."""

    app.faults.fail_on("media_items.replace", is_done=True)
    with monkeypatch.context() as patch:
        patch.setattr(IdempotentUploads, "release", release_nothing)
        with pytest.raises(StorageTimeout):
            await app.upload_image(owner, **KEY)

    with pytest.raises(UploadInProgress):
        await app.upload_image(owner, **KEY)
    app.clock.advance(UPLOAD_TIMEOUT)
    assert (await app.upload_image(owner, **KEY)).item.is_ready


async def test_the_key_of_a_killed_upload_is_free_after_its_deadline() -> None:
    killed = 0
    async for app, repeat, _ in at_each_operation(start_upload, Fault.KILLED):
        if has_ready_item(app) or not stored_idempotency_keys(app.database):
            continue
        killed += 1
        with pytest.raises(UploadInProgress):
            await repeat()
        app.clock.advance(UPLOAD_TIMEOUT)
        await repeat()
        app.clock.advance(IDEMPOTENCY_KEY_TTL)
        await app.operations.cleanup()
        assert stored_idempotency_keys(app.database) == {}
    assert killed > 2
