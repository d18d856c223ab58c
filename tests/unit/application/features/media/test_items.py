"""Items: their uploads and variants, who finds and opens them, and how they are moderated."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from tempfile import TemporaryFile
from typing import Any, Final
from unittest.mock import ANY, Mock
from urllib.parse import parse_qsl, urlsplit

import pytest

from application.administration.operator import operating_system_user
from application.features.media.media_urls import FileAccess, MediaAccess
from application.features.media.moderate_items import DELETE, HIDE, UNHIDE, ModerateItems
from application.features.media.ports import MediaUrl
from application.ports.errors import (
    MediaFileRejected,
    MediaStorageFull,
    MediaStorageUnavailable,
)
from application.principal import Principal
from domain.access import LibraryVisibility
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.errors import (
    AuditFailed,
    Forbidden,
    ReauthenticationRequired,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from domain.features.media.errors import (
    IdempotencyKeyReused,
    ItemDeleted,
    ItemNotFound,
    ItemSaveFailed,
    MediaFileNotFound,
    UnsupportedImageType,
    UploadInProgress,
)
from domain.features.media.image import VariantSpec
from domain.features.media.item import (
    FILE_DELETION_DELAY,
    UPLOAD_TIMEOUT,
    ItemFilter,
    ItemState,
    MediaItem,
    PageRequest,
)
from domain.features.media.usage import IDEMPOTENCY_KEY_TTL, PENDING_TIMEOUT, MediaUsage
from domain.identities.role import Role
from entrypoints.features.media.feature import MEDIA
from tests.support.acts import IN_CONSOLE, LATER, a_token, assert_refused, staff
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import (
    Act,
    Attempt,
    Fault,
    at_each_operation,
    before_each_operation,
)
from tests.support.builders import a_phone, an_id
from tests.support.images import plain_jpeg
from tests.support.media.builders import an_item
from tests.support.media.stored import (
    actual,
    stored_idempotency_keys,
    stored_items,
    stored_usages,
    used,
)


async def test_an_administrator_uploads_for_any_user_on_the_own_account(
    app: AppHarness, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Mock(wraps=app.image_publisher.publish)
    monkeypatch.setattr(app.image_publisher, "publish", publish)
    administrator = await app.add_administrator(a_phone(3))
    uploaded = await app.upload_image(administrator, owner_id=owner.identity.id)
    assert uploaded.item.owner_id == owner.identity.id
    publish.assert_called_once_with(ANY, administrator.identity.id, ())
    other = await app.add_administrator(a_phone(4))
    with pytest.raises(Forbidden):
        await app.upload_image(administrator, owner_id=other.identity.id)
    with pytest.raises(UnsupportedImageType):
        await app.upload_image(administrator, b"no image", owner_id=owner.identity.id)
    await app.identities.delete_user(owner)
    for user_id in (owner.identity.id, an_id(99)):
        with pytest.raises(UserNotFound):
            await app.upload_image(administrator, owner_id=user_id)
    [entry] = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.UPLOAD_ITEM, owner.identity.id)


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


@pytest.mark.parametrize(
    "error", [MediaStorageFull, MediaFileRejected, MediaStorageUnavailable, ItemSaveFailed]
)
async def test_an_upload_that_is_not_stored_or_is_late_says_why_and_leaves_nothing(
    app: AppHarness, owner: Principal, error: type[Exception]
) -> None:
    async def interrupt() -> None:
        if error is not ItemSaveFailed:
            raise error("a reason")
        app.clock.advance(UPLOAD_TIMEOUT)

    app.faults.run_before("media_files.write", interrupt)
    with pytest.raises(error):
        await app.upload_image(owner)
    await assert_nothing_is_left(app)


KEY: Final[dict[str, Any]] = {"idempotency_key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


async def start_upload() -> tuple[AppHarness, Act, Principal]:
    app = AppHarness(policy=make_policy(variant_specs=[VariantSpec("thumb", 4, 4)]))
    owner = await app.add_user()
    return app, partial(app.upload_image, owner, **KEY), owner


def stored_files(app: AppHarness) -> set[str]:
    """Return the files that the stored items name."""
    items = [stored.value for stored in stored_items(app.database).values()]
    return {key for item in items for key in item.storage_keys}


async def test_an_upload_that_fails_is_complete_or_leaves_nothing_and_frees_its_key() -> None:
    outcomes = []
    async for app, _, owner in at_each_operation(start_upload, Fault.FAILS):
        # What the cleanup deletes is no finding of a check.
        assert (await app.media.check_media.find(lambda _: None)).orphans == 0
        outcomes.append(actual(app, owner)[1])
        if actual(app, owner)[1]:
            assert app.files.contents.keys() == stored_files(app)
            continue
        with pytest.raises(UnsupportedImageType):
            await app.upload_image(owner, b"no image", **KEY)
        item = (await app.upload_image(owner, **KEY)).item
        await app.media.delete_item(owner, item.id)
        await assert_nothing_is_left(app)
    assert outcomes.count(1) == 2  # the calls for the usage
    assert outcomes.count(0) > 3


async def test_after_a_kill_at_any_step_usage_and_files_are_right_and_the_key_is_free() -> None:
    async def start() -> tuple[AppHarness, Act, Principal, Act]:
        app, upload, owner = await start_upload()
        await app.upload_image(owner)

        async def upload_and_delete() -> None:
            item = (await app.upload_image(owner, **KEY)).item
            await app.media.delete_item(owner, item.id)
            app.clock.advance(FILE_DELETION_DELAY)
            await app.operations.cleanup()

        return app, upload_and_delete, owner, upload

    pending = 0
    async for app, _, owner, upload in at_each_operation(start, Fault.KILLED):
        assert used(app, owner) >= actual(app, owner)
        assert (await app.media.check_media.find(lambda _: None)).orphans == 0
        keys = [stored.value for stored in stored_idempotency_keys(app.database).values()]
        if actual(app, owner)[1] == 1 and any(not key.is_complete for key in keys):
            pending += 1
            with pytest.raises(UploadInProgress):
                await upload()
            app.clock.advance(UPLOAD_TIMEOUT)
            await upload()
        for duration in (UPLOAD_TIMEOUT, PENDING_TIMEOUT, FILE_DELETION_DELAY, IDEMPOTENCY_KEY_TTL):
            app.clock.advance(duration)
            await app.operations.cleanup()
        assert used(app, owner) == actual(app, owner)
        assert app.files.contents.keys() == stored_files(app)
        assert all(stored.value.is_ready for stored in stored_items(app.database).values())
        assert stored_idempotency_keys(app.database) == {}
    assert pending > 2


async def test_deleting_the_owner_before_any_operation_leaves_nothing() -> None:
    async def start() -> tuple[AppHarness, Attempt, Act, str]:
        app, upload, principal = await start_upload()

        async def delete() -> None:
            await app.identities.delete_user(principal)
            await app.operations.cleanup()

        return app, Attempt(upload), delete, principal.identity.id

    results = []
    async for app, upload, _, owner_id in before_each_operation(start):
        results.append(type(upload.result))
        assert app.database.identities[owner_id].value.is_deleted
        await assert_nothing_is_left(app)
    assert set(results[:-5]) == {Unauthenticated}  # then the item is ready


async def test_the_same_upload_returns_its_item_for_a_day(
    app: AppHarness, owner: Principal
) -> None:
    other = await app.add_user(a_phone(2), "Priya")
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


async def test_the_key_of_a_deleted_item_is_gone(app: AppHarness, owner: Principal) -> None:
    item = (await app.upload_image(owner, **KEY)).item
    await app.media.delete_item(owner, item.id)
    for wait in (timedelta(0), FILE_DELETION_DELAY):
        app.clock.advance(wait)
        await app.operations.cleanup()
        with pytest.raises(ItemDeleted):
            await app.upload_image(owner, **KEY)


# Variants


THUMB, LED = VariantSpec("thumb", 32, 32), VariantSpec("led", 64, 64, is_exact=True)


def with_specs(app: AppHarness, *specs: VariantSpec) -> AppHarness:
    """Return the same service with other settings."""
    return replace(app, policy=make_policy(variant_specs=specs))


async def rebuild(app: AppHarness) -> tuple[int, int, int]:
    report = await app.media.rebuild_variants(TemporaryFile)
    return report.checked_items, report.rebuilt_items, report.failed_items


def assert_no_other_files(app: AppHarness, item: MediaItem) -> None:
    assert sorted(app.files.contents) == sorted(item.storage_keys)


async def test_an_upload_has_variants_that_are_deleted_with_it() -> None:
    app = AppHarness(policy=make_policy(variant_specs=[THUMB]))
    principal = await app.add_user()
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
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = AppHarness(policy=make_policy(variant_specs=[THUMB]))
    principal = await app.add_user()
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


async def upload_with_thumbnail() -> tuple[AppHarness, str]:
    app = AppHarness(policy=make_policy(variant_specs=[THUMB]))
    return app, (await app.upload_image(await app.add_user(), plain_jpeg(8, 6))).item.id


async def test_a_rebuild_that_is_killed_is_finished_by_the_next_one() -> None:
    async def start() -> tuple[AppHarness, Act, str]:
        app, item_id = await upload_with_thumbnail()
        app = with_specs(app, LED)
        return app, partial(rebuild, app), item_id

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
        other, item_id = await upload_with_thumbnail()
        app, other = with_specs(other, LED), with_specs(other)
        return app, partial(rebuild, app), partial(rebuild, other), item_id

    async for app, _, _, item_id in before_each_operation(start):
        rebuilt = (await app.get_item(item_id)).item
        assert {variant.storage_key for variant in rebuilt.variants} <= {*app.files.contents}
        assert {*app.files.contents} <= {*rebuilt.storage_keys}

        await rebuild(app)
        assert_no_other_files(app, (await app.get_item(item_id)).item)


async def test_with_the_visibility_owner_members_see_only_their_own_items() -> None:
    app = AppHarness(policy=make_policy(visibility=LibraryVisibility.OWNER))
    owner, other = await app.add_user(a_phone(1), "Rahul"), await app.add_user(a_phone(2), "Priya")
    administrator = await app.add_administrator(a_phone(3))
    item = (await app.upload_image(owner)).item
    owned = ItemFilter(owner.identity.id)

    for viewer, item_filter, listed in (
        (owner, ItemFilter(), [item]),
        (other, ItemFilter(), []),
        (administrator, ItemFilter(), [item]),
        (administrator, owned, [item]),
    ):
        page = await app.media.list_items(viewer, item_filter, PageRequest())
        assert ([shown.item for shown in page.items], page.total) == (listed, len(listed))
    stale = replace(administrator, has_recent_login=False)
    for viewer, is_listed, is_found in (
        (other, Forbidden, ItemNotFound),
        (stale, ReauthenticationRequired, ReauthenticationRequired),
    ):
        with pytest.raises(is_listed):
            await app.media.list_items(viewer, owned, PageRequest())
        with pytest.raises(is_found):
            await app.media.get_item(viewer, item.id)
        with pytest.raises(is_found):
            await app.media.delete_item(viewer, item.id)
    for viewer in (owner, administrator):
        assert (await app.media.get_item(viewer, item.id)).item == item


FILE, OTHER_FILE = an_item().storage_key, "1" + an_item().storage_key[1:]
SERVICE_URL = "https://dialtone.example.org/media"
DAY = timedelta(days=1)


async def test_a_public_url_replaces_those_of_the_store() -> None:
    app = AppHarness(policy=make_policy(public_url="https://cdn.example"))
    app.files.expires_at = app.clock.now()
    assert await app.media.media_urls.url_for(FILE) == MediaUrl(f"https://cdn.example/{FILE}")
    assert await app.media.media_urls.check_access(FILE, "", "") == FileAccess()


async def test_a_private_url_is_the_same_for_a_day_and_ends_within_two() -> None:
    policy = make_policy(access=MediaAccess.PRIVATE, service_url=SERVICE_URL)
    app = AppHarness(policy=policy)
    urls = app.media.media_urls
    app.advance(hours=14, minutes=30)  # to midnight
    url = await urls.url_for(FILE)
    assert url.expires_at == app.clock.now() + 2 * DAY
    assert url.url.startswith(f"{SERVICE_URL}/{FILE}?")
    query = dict(parse_qsl(urlsplit(url.url).query))
    assert await urls.check_access(FILE, **query) == FileAccess(remaining=2 * DAY)
    for key, changes in (
        (OTHER_FILE, {}),
        (FILE, {"expires": str(int(query["expires"]) + 1)}),
        (FILE, {"signature": "é"}),
        (FILE, {"expires": "", "signature": ""}),
    ):
        assert (await urls.check_access(key, **{**query, **changes})).needs_token
    app.advance(hours=23, minutes=59)
    assert await urls.url_for(FILE) == url
    app.advance(minutes=1)
    assert await urls.url_for(FILE) != url
    app.advance(hours=23, minutes=59, seconds=59)
    assert await urls.check_access(FILE, **query) == FileAccess(remaining=timedelta(seconds=1))
    app.advance(seconds=1)
    assert (await urls.check_access(FILE, **query)).needs_token


OPERATOR: Final = operating_system_user("alice")
OTHERS: Final = a_token(*set(Scope) - {Scope.READ_LIBRARY})
REASON: Final = "report 815"


@pytest.fixture
async def item(app: AppHarness, owner: Principal) -> MediaItem:
    return (await app.upload_image(owner)).item


def moderation(app: AppHarness) -> ModerateItems:
    return MEDIA.of(app.use_cases).moderation.moderate_items


async def listed(app: AppHarness, item_filter: ItemFilter) -> list[str]:
    page = await moderation(app).list(OPERATOR, item_filter, None, 10)
    return [item.id for item in page.items]


async def test_a_hidden_item_is_like_a_deleted_one_for_all_but_administrators(
    app: AppHarness, owner: Principal, item: MediaItem
) -> None:
    administrator = await app.add_administrator(a_phone(2))
    await moderation(app).hide(OPERATOR, item.id, REASON)

    for viewer in (owner, administrator):
        page = await app.media.list_items(viewer, ItemFilter(), PageRequest())
        assert (page.items, page.total) == ([], 0)
        for act in (
            app.media.get_item(viewer, item.id),
            app.media.categorize_item(viewer, item.id, "art"),
            app.media.delete_item(viewer, item.id),
        ):
            with pytest.raises(ItemNotFound):
                await act
        with pytest.raises(MediaFileNotFound):
            await app.media.open_file.find(item.storage_key, viewer)
    assert (await moderation(app).get(OPERATOR, item.id)).is_hidden
    assert await listed(app, ItemFilter(is_hidden=True)) == [item.id]
    assert await listed(app, ItemFilter()) == []


async def test_only_administrators_and_commands_moderate_for_a_reason_and_with_an_entry(
    app: AppHarness, item: MediaItem
) -> None:
    items = moderation(app)
    await assert_refused(HIDE, lambda operator, why: items.hide(operator, item.id, why))
    await assert_refused(UNHIDE, lambda operator, why: items.unhide(operator, item.id, why))
    await assert_refused(DELETE, lambda operator, why: items.delete(operator, item.id, why))
    for act in (items.hide, items.unhide, items.delete):
        app.faults.fail_on("audit_log.add")
        with pytest.raises(AuditFailed):
            await act(OPERATOR, item.id, REASON)
    app.faults.reset()
    for read in (items.get, items.find_image, items.find_thumbnail):
        with pytest.raises(Forbidden):
            await read(OTHERS, item.id)
    with pytest.raises(Forbidden):
        await items.list(OTHERS, ItemFilter(), None, 10)
    assert app.database.audit_entries == []
    assert (await app.get_item(item.id)).item == item
    for operator in (IN_CONSOLE, LATER, OPERATOR):
        for do in (items.hide, items.unhide):
            await do(operator, item.id, REASON)


async def test_of_hiding_and_deleting_at_the_same_time_the_deletion_wins(
    app: AppHarness, item: MediaItem
) -> None:
    items = moderation(app)
    acts = [items.hide, items.unhide] * 5
    results = await asyncio.gather(
        *(act(OPERATOR, item.id, REASON) for act in acts),
        items.delete(OPERATOR, item.id, REASON),
        return_exceptions=True,
    )
    assert isinstance(results[-1], MediaItem)
    assert stored_items(app.database)[item.id].value.state is ItemState.DELETING


async def test_a_moderator_acts_on_media_of_members_also_in_the_app(app: AppHarness) -> None:
    owner, other = await app.add_user(), await app.add_administrator(a_phone(2))
    moderator = await app.add_user(a_phone(3), "Mo")
    await app.identities.operator_actions.change_role(moderator.identity.id, Role.MODERATOR)
    moderator = await app.log_in(a_phone(3))
    items = MEDIA.of(app.use_cases).moderation.moderate_items
    of_member = (await app.upload_image(owner)).item
    of_staff = (await app.upload_image(other)).item

    await items.hide(staff(Role.MODERATOR), of_member.id, REASON)
    await items.unhide(staff(Role.MODERATOR), of_member.id, REASON)
    await app.media.categorize_item(moderator, of_member.id, "art")
    await app.media.delete_item(moderator, of_member.id)
    assert app.database.audit_entries[-1].actor.role is Role.MODERATOR
    with pytest.raises(Forbidden):
        await items.hide(staff(Role.MODERATOR), of_staff.id, REASON)
    with pytest.raises(Forbidden):
        await app.media.delete_item(moderator, of_staff.id)
    with pytest.raises(Forbidden):
        await app.upload_image(moderator, owner_id=owner.identity.id)


async def test_a_file_that_is_gone_is_not_found_and_one_of_a_store_that_is_away_unavailable(
    app: AppHarness, item: MediaItem
) -> None:
    open_file = app.media.open_file
    file = await open_file.find(item.storage_key)
    for is_away, error in ((True, Unavailable), (False, MediaFileNotFound)):
        app.files.is_unavailable = is_away
        app.files.contents.clear()
        with pytest.raises(error):
            await open_file.get_size(file)
        with pytest.raises(error):
            async with open_file(file):
                pass
