"""Variants are made at upload, named by URL, rebuilt after a change, and deleted with the item."""

import logging
from dataclasses import replace
from functools import partial
from tempfile import TemporaryFile

import pytest

from application.principal import Principal
from domain.features.media.image import VariantSpec
from domain.features.media.item import FILE_DELETION_DELAY, MediaItem
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation, before_each_operation
from tests.support.images import plain_jpeg

THUMB, LED = VariantSpec("thumb", 32, 32), VariantSpec("led", 64, 64, is_exact=True)


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=make_policy(variant_specs=[THUMB]))


@pytest.fixture
def principal(owner: Principal) -> Principal:
    return owner


def with_specs(app: AppHarness, *specs: VariantSpec, url_variant: str | None = None) -> AppHarness:
    """Return the same service with other settings."""
    policy = make_policy(variant_specs=specs, url_variant=url_variant)
    return replace(app, policy=policy)


async def rebuild(app: AppHarness) -> tuple[int, int, int]:
    report = await app.media.rebuild_variants(TemporaryFile)
    return report.checked_items, report.rebuilt_items, report.failed_items


def assert_no_other_files(app: AppHarness, item: MediaItem) -> None:
    assert sorted(app.files.contents) == sorted(item.storage_keys)


async def test_an_upload_has_variants_that_are_deleted_with_it(
    app: AppHarness, principal: Principal
) -> None:
    uploaded = await app.upload_image(principal)
    (thumb,) = uploaded.item.variants
    assert (thumb.name, thumb.size) == ("thumb", "32x32")
    assert list(uploaded.variants) == ["thumb"]
    assert uploaded.variants["thumb"].endswith(thumb.storage_key)
    assert uploaded.url.url.endswith(uploaded.item.storage_key)
    assert app.files.contents[thumb.storage_key].startswith(b"GIF8")
    found = await app.media.open_file.find(thumb.storage_key)
    assert found.image == thumb.image
    assert_no_other_files(app, uploaded.item)
    app.faults.fail_on("media_files.delete")
    await app.media.delete_item(principal, uploaded.item.id)
    assert app.files.contents
    app.advance(seconds=FILE_DELETION_DELAY.total_seconds())
    await app.operations.cleanup()
    assert app.files.contents == {}


async def test_variants_are_rebuilt_after_a_change_and_former_ones_deleted(
    app: AppHarness, principal: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    items = [(await app.upload_image(principal)).item for _ in range(3)]
    del app.files.contents[items[2].storage_key]
    app = with_specs(app, LED)
    with caplog.at_level(logging.INFO):
        assert await rebuild(app) == (3, 2, 1)
    assert "'reason': 'MediaFileNotFound'" in caplog.text
    assert "'all_items': 3" in caplog.text
    rebuilt = (await app.get_item(items[0].id)).item
    assert [(variant.name, variant.size) for variant in rebuilt.variants] == [("led", "64x64!")]
    assert rebuilt.unused_keys == ()
    assert items[0].variants[0].storage_key not in app.files.contents
    assert rebuilt.variants[0].storage_key in app.files.contents
    assert await rebuild(app) == (3, 0, 1)
    assert await rebuild(with_specs(app)) == (3, 2, 1)
    assert len(app.files.contents) == 2 + 1  # the lost item keeps its thumbnail


async def test_a_rebuild_that_is_killed_is_finished_by_the_next_one() -> None:
    async def start() -> tuple[AppHarness, Act, str]:
        uploaded_to = AppHarness(policy=make_policy(variant_specs=[THUMB]))
        uploaded = await uploaded_to.upload_image(await uploaded_to.add_user(), plain_jpeg(8, 6))
        app = with_specs(uploaded_to, LED)
        return app, partial(rebuild, app), uploaded.item.id

    async for app, _, item_id in at_each_operation(start, Fault.KILLED):
        killed = (await app.get_item(item_id)).item
        assert {*app.files.contents} <= {*killed.storage_keys}
        assert all(variant.storage_key in app.files.contents for variant in killed.variants)
        await rebuild(app)
        rebuilt = (await app.get_item(item_id)).item
        assert rebuilt.has_variants([LED])
        assert_no_other_files(app, rebuilt)


async def test_two_rebuilds_at_the_same_time_leave_no_file_missing() -> None:
    async def start() -> tuple[AppHarness, Act, Act, str]:
        uploaded_to = AppHarness(policy=make_policy(variant_specs=[THUMB]))
        uploaded = await uploaded_to.upload_image(await uploaded_to.add_user(), plain_jpeg(8, 6))
        app, other = with_specs(uploaded_to, LED), with_specs(uploaded_to)
        return app, partial(rebuild, app), partial(rebuild, other), uploaded.item.id

    async for app, _, _, item_id in before_each_operation(start):
        rebuilt = (await app.get_item(item_id)).item
        assert {variant.storage_key for variant in rebuilt.variants} <= {*app.files.contents}
        assert {*app.files.contents} <= {*rebuilt.storage_keys}

        await rebuild(app)
        assert_no_other_files(app, (await app.get_item(item_id)).item)
