"""Each user has a quota, which no race exceeds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from typing import Final, cast

import pytest

from application.media import quota as quota_module
from application.ports.images import EncodedImage, ImagePublisher, PublishedImage
from application.principal import Principal
from application.use_cases import Policy
from domain.errors import ItemNotFound, QuotaExceeded
from domain.media.image import Image, ImageFormat
from domain.media.item import UPLOAD_TIMEOUT, ItemState
from domain.media.usage import Quota
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_item
from tests.support.fault_injector import ProcessKilled

SIZE: Final = 1000
"""The bytes of each published image."""


class SameSize:
    """Publishes each upload as an image of this size."""

    @asynccontextmanager
    async def publish(self, *_: object) -> AsyncIterator[PublishedImage]:
        full = EncodedImage(Image(ImageFormat.GIF, 8, 6, SIZE), BytesIO(bytes(SIZE)))
        yield PublishedImage(full, {})


def app_with(quota: Quota) -> AppHarness:
    return AppHarness(
        policy=Policy(quota=quota), image_publisher=cast("ImagePublisher", SameSize())
    )


@pytest.fixture
def app() -> AppHarness:
    return app_with(Quota(max_bytes=4 * SIZE, max_items=3))


async def used(app: AppHarness, user: Principal) -> tuple[int, int]:
    usage = await app.database.repositories().media_items.get_usage(user.identity.id)
    return usage.bytes, usage.items


def actual(app: AppHarness, user: Principal) -> tuple[int, int]:
    """Return the bytes and the number of the user's ready items."""
    items = [record.value for record in app.database.media_items.values()]
    ready = [one for one in items if one.is_ready and one.owner_id == user.identity.id]
    return sum(item.image.bytes for item in ready), len(ready)


@pytest.mark.parametrize(("quota", "allowed"), [(Quota(9**9, 3), 3), (Quota(2 * SIZE, 9), 2)])
async def test_parallel_uploads_never_exceed_the_quota(quota: Quota, allowed: int) -> None:
    app = app_with(quota)
    owner, other = await app.add_user(a_phone(1), "Rahul"), await app.add_user(a_phone(2), "Priya")

    results = await asyncio.gather(
        *(app.upload_image(owner) for _ in range(8)), return_exceptions=True
    )

    rejected = [result for result in results if isinstance(result, QuotaExceeded)]
    assert len(rejected) == 8 - allowed
    assert await used(app, owner) == actual(app, owner) == (allowed * SIZE, allowed)
    with pytest.raises(QuotaExceeded, match=f"{allowed} of {quota.max_items} items") as raised:
        await app.upload_image(owner)
    assert raised.value.usage == {
        "used_bytes": allowed * SIZE,
        "allowed_bytes": quota.max_bytes,
        "used_items": allowed,
        "allowed_items": quota.max_items,
    }
    assert len(app.files.contents) == allowed
    await app.upload_image(other)


async def test_a_deleted_item_is_subtracted_once(app: AppHarness, owner: Principal) -> None:
    first, _ = await app.upload_image(owner), await app.upload_image(owner)
    deletions = [app.use_cases.delete_item(owner, first.item.id) for _ in range(5)]
    results = await asyncio.gather(*deletions, return_exceptions=True)
    assert sum(isinstance(result, ItemNotFound) for result in results) == 4
    assert await used(app, owner) == (SIZE, 1)


async def test_an_upload_counts_from_its_record_on_until_the_cleanup_ends_it(
    app: AppHarness, owner: Principal
) -> None:
    for operation in ("media_files.write", "media_items.replace"):
        app.faults.fail_on(operation, kill=True)
        with pytest.raises(ProcessKilled):
            await app.upload_image(owner)
        app.faults.reset()
    assert await used(app, owner) == (2 * SIZE, 2)
    app.clock.advance(UPLOAD_TIMEOUT)
    await app.use_cases.cleanup()
    assert await used(app, owner) == (0, 0)


async def test_an_upload_is_rejected_while_a_later_one_takes_the_rest_of_the_quota(
    app: AppHarness, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_module, "_RETRY_SECONDS", 0)
    later = an_item(id="f" * 24, owner_id=owner.identity.id, state=ItemState.PENDING)
    later = replace(later, image=replace(later.image, bytes=4 * SIZE))
    add = app.database.repositories().media_items.add
    app.faults.run_before("media_items.add", lambda: add(later))
    with pytest.raises(QuotaExceeded, match="4000 of 4000 bytes"):
        await app.upload_image(owner)
    assert await used(app, owner) == (4 * SIZE, 1)
