"""The cleanup deletes what nothing shows of the library, and a check what has no counterpart."""

from datetime import timedelta

import pytest

from application.features.media.check_media import MediaFindings
from application.operations.cleanup import CleanupReport
from application.ports.errors import MediaStorageUnavailable
from application.principal import Principal
from domain.features.media.errors import ItemNotFound
from domain.features.media.image import VariantSpec
from domain.features.media.item import (
    FILE_DELETION_DELAY,
    ItemState,
    MediaItem,
)
from domain.otp.phone_verification import PhoneVerification
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import NOW, a_deleted_identity, a_phone, a_user
from tests.support.media.builders import an_item
from tests.support.media.stored import media_repositories, stored_items, stored_usages

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


ORPHAN = f"ab/{7:024x}-{'ab' * 16}.jpg"


async def find(app: AppHarness) -> MediaFindings:
    return await app.media.check_media.find(lambda _: None)


async def test_items_without_a_file_and_files_without_an_item_are_found_and_repaired(
    app: AppHarness, owner: Principal
) -> None:
    whole, broken = [(await app.upload_image(owner)).item for _ in range(2)]
    del app.files.contents[broken.storage_key]
    renamed = whole.storage_key.replace(whole.storage_key[-8:], "0000.gif")
    app.files.contents |= {ORPHAN: b"", renamed: b"", "readme.txt": b"not ours"}

    findings = await find(app)
    assert (findings.files, findings.items, findings.is_suspicious) == (3, 2, False)
    assert sorted(findings.files_without_item) == sorted([ORPHAN, renamed])
    assert findings.items_without_file == [broken.id]
    assert broken.id in stored_items(app.database)

    shown: list[int] = []
    await app.media.check_media.repair(findings, lambda progress: shown.append(progress.repaired))
    assert (shown, findings.repaired) == ([1, 2, 3], 3)
    assert app.files.contents.keys() == {whole.storage_key, "readme.txt"}
    with pytest.raises(ItemNotFound):
        await app.get_item(broken.id)
    assert (await app.get_item(whole.id)).item == whole
    usage = stored_usages(app.database)[owner.identity.id].value
    assert (usage.items, usage.used_items) == (1, 1)
    assert (await find(app)).orphans == 0


async def test_an_item_loses_its_variants_that_have_no_complete_file() -> None:
    specs = [VariantSpec("thumb", 8, 8), VariantSpec("small", 4, 4), VariantSpec("tiny", 2, 2)]
    app = AppHarness(policy=make_policy(variant_specs=specs))
    owner = await app.add_user()
    empty, item = [(await app.upload_image(owner)).item for _ in range(2)]
    app.files.contents[empty.storage_key] = b""
    lost, kept, cut = item.variants
    del app.files.contents[lost.storage_key]
    app.files.contents[cut.storage_key] = app.files.contents[cut.storage_key][:-1]

    findings = await find(app)

    assert findings.items_without_file == [empty.id]
    assert (findings.items_without_variant, findings.orphans) == ([item.id], 2)
    await app.media.check_media.repair(findings, lambda _: None)
    assert (await app.get_item(item.id)).item.variants == (kept,)
    assert (await find(app)).orphans == 0


async def test_what_is_repaired_by_itself_stays(app: AppHarness, owner: Principal) -> None:
    item = (await app.upload_image(owner)).item
    content = app.files.contents.pop(item.storage_key)
    findings = await find(app)
    findings.files_without_item.append(item.storage_key)
    app.files.contents[item.storage_key] = content
    await app.media.check_media.repair(findings, lambda _: None)
    assert (findings.repaired, app.files.contents) == (0, {item.storage_key: content})


async def test_two_stores_without_any_match_are_suspicious(app: AppHarness) -> None:
    for count, is_suspicious in ((3, True), (0, False)):
        app.files.contents = {f"ab/{number:024x}-{'ab' * 16}.jpg": b"" for number in range(count)}
        findings = await find(app)
        assert (findings.orphans, findings.is_suspicious) == (count, is_suspicious)
