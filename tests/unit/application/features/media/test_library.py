"""Who finds and opens items of the library, and how administrators moderate them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from application.administration.operator import operating_system_user
from application.features.media.feature import LibraryFeature
from application.features.media.media_urls import FileAccess, MediaAccess
from application.features.media.moderate_items import DELETE, HIDE, UNHIDE, ModerateItems
from application.features.media.ports import MediaUrl
from application.principal import Principal
from domain.access import LibraryVisibility
from domain.administration.scope import Scope
from domain.errors import AuditFailed, Forbidden, ReauthenticationRequired, Unavailable
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.item import ItemFilter, ItemState, MediaItem, PageRequest
from domain.identities.role import Role
from tests.support.acts import IN_API, IN_CONSOLE, LATER, a_token, assert_refused, staff
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.media.builders import an_item
from tests.support.media.stored import stored_items


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


KEY, OTHER_KEY = an_item().storage_key, "1" + an_item().storage_key[1:]
SERVICE_URL = "https://dialtone.example.org/media"
DAY = timedelta(days=1)


async def test_a_public_url_replaces_those_of_the_store() -> None:
    app = AppHarness(policy=make_policy(public_url="https://cdn.example"))
    app.files.expires_at = app.clock.now()
    assert await app.media.media_urls.url_for(KEY) == MediaUrl(f"https://cdn.example/{KEY}")
    assert await app.media.media_urls.check_access(KEY, "", "") == FileAccess()


async def test_a_private_url_is_the_same_for_a_day_and_ends_within_two() -> None:
    policy = make_policy(access=MediaAccess.PRIVATE, service_url=SERVICE_URL)
    app = AppHarness(policy=policy)
    urls = app.media.media_urls
    app.advance(hours=14, minutes=30)  # to midnight
    url = await urls.url_for(KEY)
    assert url.expires_at == app.clock.now() + 2 * DAY
    assert url.url.startswith(f"{SERVICE_URL}/{KEY}?")
    query = dict(parse_qsl(urlsplit(url.url).query))
    assert await urls.check_access(KEY, **query) == FileAccess(remaining=2 * DAY)
    for key, changes in (
        (OTHER_KEY, {}),
        (KEY, {"expires": str(int(query["expires"]) + 1)}),
        (KEY, {"signature": "é"}),
        (KEY, {"expires": "", "signature": ""}),
    ):
        assert (await urls.check_access(key, **{**query, **changes})).needs_token
    app.advance(hours=23, minutes=59)
    assert await urls.url_for(KEY) == url
    app.advance(minutes=1)
    assert await urls.url_for(KEY) != url
    app.advance(hours=23, minutes=59, seconds=59)
    assert await urls.check_access(KEY, **query) == FileAccess(remaining=timedelta(seconds=1))
    app.advance(seconds=1)
    assert (await urls.check_access(KEY, **query)).needs_token


OPERATOR: Final = operating_system_user("alice")
OTHERS: Final = a_token(*set(Scope) - {Scope.READ_LIBRARY})
HIDDEN: Final = ItemFilter(is_hidden=True)
REASON: Final = "report 815"


@pytest.fixture
async def item(app: AppHarness, owner: Principal) -> MediaItem:
    return (await app.upload_image(owner)).item


def moderation(app: AppHarness) -> ModerateItems:
    return app.use_cases.of(LibraryFeature).moderate_items


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
    assert (await listed(app, HIDDEN), await listed(app, ItemFilter())) == ([item.id], [])


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
    for operator in (IN_API, IN_CONSOLE, LATER, OPERATOR):
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
    items = app.use_cases.of(LibraryFeature).moderate_items
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
