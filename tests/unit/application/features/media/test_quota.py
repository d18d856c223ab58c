"""Each user has a quota, and what is used of it is right whatever races or crashes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Final, cast

import pytest

from adapters.databases.records.features.media import MEDIA_USAGES
from application.features.media.ports import EncodedImage, ImagePublisher, PublishedImage
from application.principal import Principal
from domain.features.media.errors import QuotaExceeded
from domain.features.media.image import Image, ImageFormat
from domain.features.media.usage import Quota
from tests.contract.examples.memory_database import Row
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.media.stored import actual, stored_idempotency_keys, stored_usages, used

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
        policy=make_policy(quota=quota), image_publisher=cast("ImagePublisher", SameSize())
    )


@pytest.fixture
def app() -> AppHarness:
    return app_with(Quota(max_bytes=4 * SIZE, max_items=3))


@pytest.mark.parametrize(("quota", "allowed"), [(Quota(9**9, 3), 3), (Quota(2 * SIZE, 9), 2)])
async def test_parallel_uploads_never_exceed_the_quota(quota: Quota, allowed: int) -> None:
    app = app_with(quota)
    owner, other = await app.add_user(a_phone(1), "Rahul"), await app.add_user(a_phone(2), "Priya")

    results = await asyncio.gather(
        *(app.upload_image(owner) for _ in range(8)), return_exceptions=True
    )

    rejected = [result for result in results if isinstance(result, QuotaExceeded)]
    assert len(rejected) == 8 - allowed
    assert used(app, owner) == actual(app, owner) == (allowed * SIZE, allowed)
    with pytest.raises(QuotaExceeded, match=f"{allowed} of {quota.max_items} items") as raised:
        await app.upload_image(owner)
    error = raised.value
    assert (error.used_bytes, error.allowed_bytes) == (allowed * SIZE, quota.max_bytes)
    assert (error.used_items, error.allowed_items) == (allowed, quota.max_items)
    assert len(app.files.contents) == allowed
    await app.upload_image(other)


async def test_a_full_library_rejects_a_new_key_frees_it_and_repeats_an_old_one() -> None:
    app = app_with(Quota(max_bytes=9**9, max_items=1))
    owner = await app.add_user()
    item = (await app.upload_image(owner, idempotency_key="old")).item

    for _ in range(2):  # it is the quota that is told, not that an upload is in progress
        with pytest.raises(QuotaExceeded):
            await app.upload_image(owner, idempotency_key="new")

    assert (await app.upload_image(owner, idempotency_key="old")).item == item
    assert len(stored_idempotency_keys(app.database)) == 1


@pytest.mark.parametrize("operation", ["media_usages.load", "media_usages.replace"])
async def test_a_recount_between_two_steps_of_a_deletion_or_an_upload_changes_nothing(
    app: AppHarness, owner: Principal, operation: str
) -> None:
    item = (await app.upload_image(owner)).item
    recount = app.library.quota.recount

    app.faults.run_before(operation, lambda: recount(owner.identity.id))
    await app.media.delete_item(owner, item.id)
    assert (app.faults.has_fired, used(app, owner)) == (True, (0, 0))

    for before in ("media_items.add", "media_items.replace", operation):
        app.faults.run_before(before, lambda: recount(owner.identity.id))
        await app.upload_image(owner)
        assert (app.faults.has_fired, used(app, owner)) == (True, actual(app, owner))


async def test_a_usage_that_cannot_be_read_keeps_no_file_of_a_deleted_identity(
    app: AppHarness, owner: Principal
) -> None:
    for _ in range(2):
        await app.upload_image(owner)
    rows = app.database.records.tables[MEDIA_USAGES.name]
    rows[owner.identity.id] = Row({"schema_version": 1, "items": "damaged"}, 1)
    await app.identities.delete_user(owner)

    await app.operations.cleanup()

    assert app.files.contents == {}


async def test_the_usage_of_a_deleted_identity_is_deleted(
    app: AppHarness, owner: Principal
) -> None:
    await app.upload_image(owner)
    await app.identities.delete_user(owner)
    await app.operations.cleanup()
    assert stored_usages(app.database) == {}
