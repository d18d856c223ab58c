"""Items of the library are found, listed, opened, categorized and deleted."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.features.media import library
from application.features.media.feature import LibraryDetails
from application.features.media.library import LibraryPage, OpenFile
from application.ports.errors import StorageUnavailable
from domain.access import LibraryVisibility
from domain.errors import Forbidden, ReauthenticationRequired, Unavailable
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.item import ItemFilter, ItemState, MediaItem, PageRequest
from domain.identities.identity import Identity
from tests.support.acts import show
from tests.support.app_harness import GIF, AppHarness, make_policy
from tests.support.builders import NOW, a_deleted_identity, a_phone, an_id, an_identity
from tests.support.fakes.messenger import REJECTED
from tests.support.media.builders import an_item
from tests.support.media.stored import media_repositories
from tests.support.stored_files import read_opened

RAHUL, PRIYA = an_id(1), an_id(2)
UNKNOWN = an_item(id=an_id(9)).storage_key


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.HIDDEN, None])
async def test_only_items_that_are_ready_are_found_and_listed(
    app: AppHarness, state: ItemState | None
) -> None:
    if state:
        await store(app, an_identity(id=RAHUL), an_item(owner_id=RAHUL, state=state))
    with pytest.raises(ItemNotFound):
        await app.get_item(an_item().id)
    result = await app.list_items(ItemFilter(), PageRequest())
    assert (result.items, result.total) == ([], 0)


async def store(app: AppHarness, *records: MediaItem | Identity) -> None:
    repositories = app.database.repositories()
    for record in records:
        if isinstance(record, MediaItem):
            await media_repositories(app.database).items.add(record)
        else:
            await repositories.identities.add(record)


def items(count: int, owner: str = RAHUL, first: int = 100) -> list[MediaItem]:
    """Return items of one owner, each a second newer than the previous one."""
    return [
        an_item(
            id=an_id(first + number), owner_id=owner, created_at=NOW + timedelta(seconds=number)
        )
        for number in range(count)
    ]


async def test_items_of_deleted_owners_are_not_listed(app: AppHarness) -> None:
    deleted = a_deleted_identity(id=PRIYA)
    await store(app, an_identity(id=RAHUL), deleted, *items(3), *items(3, PRIYA, 200))
    everything = await app.list_items(ItemFilter(), PageRequest())
    assert {listed.item.owner_id for listed in everything.items} == {RAHUL}
    hidden_items = await app.list_items(ItemFilter(owner_id=PRIYA), PageRequest())
    assert (hidden_items.items, hidden_items.total) == ([], 0)


@pytest.mark.parametrize(
    ("counted", "total", "is_exact"),
    [(0, 0, True), (10_000, 10_000, True), (10_001, 10_000, False)],
)
def test_a_total_is_exact_up_to_ten_thousand(counted: int, total: int, is_exact: bool) -> None:
    page = LibraryPage([], counted, PageRequest())
    assert (page.total, page.is_total_exact, page.total_pages) == (total, is_exact, total // 10)


async def test_a_page_that_ends_with_the_last_item_is_listed_without_counting(
    app: AppHarness,
) -> None:
    await store(app, an_identity(id=RAHUL), *items(3))
    app.faults.fail_on("media_items.count")
    for request, total in ((PageRequest(1, 3), 3), (PageRequest(2, 2), 3)):
        assert (await app.list_items(ItemFilter(), request)).total == total
    assert (await app.list_items(ItemFilter(owner_id=PRIYA), PageRequest())).total == 0
    assert not app.faults.has_fired
    with pytest.raises(StorageUnavailable):
        await app.list_items(ItemFilter(), PageRequest(1, 2))


async def test_above_ten_thousand_items_cursors_go_on(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MAX_TOTAL", 10)
    await store(app, an_identity(id=RAHUL), *items(11))
    last = await app.list_items(ItemFilter(), PageRequest(2, 5))
    assert last.counted == 11
    rest = PageRequest(1, 5, last.next_cursor)
    after = await app.list_items(ItemFilter(), rest)
    assert [listed.item.id for listed in after.items] == [an_id(100)]
    assert after.next_cursor is None
    assert after.total is None


async def get_size(open_file: OpenFile, storage_key: str) -> int:
    return await open_file.get_size(await open_file.find(storage_key))


BY_EACH = pytest.mark.parametrize("open_or_get_size", [read_opened, get_size])
Operation = Callable[[OpenFile, str], Awaitable[object]]


async def test_a_file_is_opened_by_its_storage_key(app: AppHarness, storage_key: str) -> None:
    content = app.files.contents[storage_key]
    assert await read_opened(app.media.open_file, storage_key) == content
    file = await app.media.open_file.find(storage_key)
    assert file.image.format.content_type == "image/gif"
    async with app.media.open_file(file, 2, 5) as part:
        assert [chunk async for chunk in part.chunks] == [content[2:5]]
    app.faults.fail_on("media_files.open_file")
    assert await get_size(app.media.open_file, storage_key) == len(content)


@BY_EACH
async def test_a_file_without_item_and_an_item_without_file_are_not_found(
    app: AppHarness, storage_key: str, open_or_get_size: Operation
) -> None:
    app.files.contents = {UNKNOWN: GIF}
    for key in (UNKNOWN, storage_key):
        with pytest.raises(MediaFileNotFound):
            await open_or_get_size(app.media.open_file, key)


@BY_EACH
async def test_opening_a_file_fails_without_store_or_database(
    app: AppHarness, storage_key: str, open_or_get_size: Operation
) -> None:
    app.files.is_unavailable = True
    with pytest.raises(Unavailable):
        await open_or_get_size(app.media.open_file, storage_key)
    app.files.is_unavailable, app.database.is_unavailable = False, True
    with pytest.raises(StorageUnavailable):
        await open_or_get_size(app.media.open_file, storage_key)


@BY_EACH
@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.DELETION_REFUSED])
async def test_the_file_of_an_item_that_is_not_ready_is_not_found(
    app: AppHarness, state: ItemState, open_or_get_size: Operation
) -> None:
    item = an_item(state=state)
    await media_repositories(app.database).items.add(item)
    app.files.contents[item.storage_key] = GIF
    with pytest.raises(MediaFileNotFound):
        await open_or_get_size(app.media.open_file, item.storage_key)


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


async def test_what_a_user_has_in_the_library_is_shown(app: AppHarness) -> None:
    await app.upload_image(await app.add_user())
    library = (await show(app)).parts.find(LibraryDetails)
    assert library is not None
    assert library.usage.items == 1
    assert library.usage.bytes > 0
    assert library.quota == app.policy.media.quota


async def test_the_service_is_ready_with_media_store_and_messenger_or_without(
    app: AppHarness,
) -> None:
    working = await app.operations.check_readiness()
    assert working.parts == {"messages": None, "media": None}
    assert (working.database, working.is_ready) == (None, True)
    app.files.is_unavailable, app.messenger.result = True, REJECTED
    readiness = await app.operations.check_readiness()
    assert readiness.parts == {"messages": REJECTED.reason, "media": "unavailable"}
    assert (readiness.database, readiness.is_ready) == (None, True)
