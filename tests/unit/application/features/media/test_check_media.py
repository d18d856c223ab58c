"""`dialtone media check` finds what has no counterpart, and repairs it."""

import pytest

from application.features.media.check_media import MIN_SUSPICIOUS, CheckMedia, MediaFindings
from application.principal import Principal
from domain.features.media.errors import ItemNotFound
from domain.features.media.image import VariantSpec
from tests.support.app_harness import AppHarness, make_policy
from tests.support.media.stored import stored_items, stored_usages

ORPHAN = f"ab/{7:024x}-{'ab' * 16}.jpg"


def checker(app: AppHarness) -> CheckMedia:
    return app.media.check_media


async def find(app: AppHarness) -> MediaFindings:
    return await checker(app).find(lambda _: None)


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
    await checker(app).repair(findings, lambda progress: shown.append(progress.repaired))
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
    await checker(app).repair(findings, lambda _: None)
    assert (await app.get_item(item.id)).item.variants == (kept,)
    assert (await find(app)).orphans == 0


async def test_what_is_repaired_by_itself_stays(app: AppHarness, owner: Principal) -> None:
    item = (await app.upload_image(owner)).item
    content = app.files.contents.pop(item.storage_key)
    findings = await find(app)
    findings.files_without_item.append(item.storage_key)
    app.files.contents[item.storage_key] = content
    await checker(app).repair(findings, lambda _: None)
    assert (findings.repaired, app.files.contents) == (0, {item.storage_key: content})


@pytest.mark.parametrize(("count", "is_suspicious"), [(MIN_SUSPICIOUS, True), (3, False)])
async def test_two_stores_without_any_match_are_suspicious(
    app: AppHarness, count: int, is_suspicious: bool
) -> None:
    app.files.contents = {f"ab/{number:024x}-{'ab' * 16}.jpg": b"" for number in range(count)}
    findings = await find(app)
    assert (findings.orphans, findings.is_suspicious) == (count, is_suspicious)
