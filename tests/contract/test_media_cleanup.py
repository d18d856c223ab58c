import asyncio
from datetime import timedelta

import pytest

from adapters.records.database import Database
from adapters.records.features.media import make_media_repositories
from application.ports.media import MediaRepositories
from domain.media.item import ItemState, MediaItem
from domain.media.usage import MediaUsage
from tests.support.builders import NOW, an_id, made_id
from tests.support.media.builders import a_gif, an_item
from tests.support.stored_values import replace_stored, values_of

OWNER = an_id(901)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def repositories(database: Database) -> MediaRepositories:
    return make_media_repositories(database)


def pending(number: int, **changes: object) -> MediaItem:
    return an_item(id=an_id(number), state=ItemState.PENDING, **changes)


async def add_items(repositories: MediaRepositories, *items: MediaItem) -> None:
    for item in items:
        await repositories.items.add(item)


async def test_an_owners_items_are_listed_until_they_are_marked_for_deletion(
    repositories: MediaRepositories,
) -> None:
    ready, uploading = an_item(id=an_id(1), owner_id=OWNER), pending(2, owner_id=OWNER)
    hidden = an_item(id=an_id(5), owner_id=OWNER).hide()
    deleting = an_item(id=an_id(3), owner_id=OWNER).mark_for_deletion(NOW)
    await add_items(
        repositories, ready, uploading, hidden, deleting, an_item(id=an_id(4), owner_id=an_id(902))
    )

    found = values_of(await repositories.items.list_owned_by(OWNER, 10))

    assert sorted(found, key=lambda item: item.id) == [ready, uploading, hidden]
    assert len(await repositories.items.list_owned_by(OWNER, 1)) == 1


async def test_an_item_that_is_hidden_or_shown_meanwhile_is_always_listed(
    repositories: MediaRepositories,
) -> None:
    item = an_item(id=an_id(1), owner_id=OWNER)
    await add_items(repositories, item)

    async def hide_and_show() -> None:
        for _ in range(10):
            await replace_stored(repositories.items, item.hide())
            await replace_stored(repositories.items, item)

    hiding = asyncio.create_task(hide_and_show())
    while not hiding.done():
        assert len(await repositories.items.list_owned_by(OWNER, 10)) == 1
        assert [*await repositories.items.list_sizes(OWNER)] == [item.id]
    await hiding


async def test_an_upload_is_expired_at_its_deadline(repositories: MediaRepositories) -> None:
    expired = pending(1, upload_deadline=NOW - MINUTE)
    just_expired = pending(2, upload_deadline=NOW)
    uploading = pending(3, upload_deadline=NOW + timedelta(milliseconds=1))
    finished = an_item(id=an_id(4), upload_deadline=NOW - MINUTE)
    await add_items(repositories, expired, just_expired, uploading, finished)

    found = await repositories.items.list_expired_uploads(NOW, 10)

    assert values_of(found) == [expired, just_expired]
    assert len(await repositories.items.list_expired_uploads(NOW, 1)) == 1
    for item in found:
        marked = item.value.mark_for_deletion(NOW)
        assert await repositories.items.replace(marked, item.version)
    assert list(await repositories.items.list_expired_uploads(NOW, 10)) == []


async def test_deleting_items_are_listed_by_the_time_of_the_request(
    repositories: MediaRepositories,
) -> None:
    before = an_item(id=an_id(1)).mark_for_deletion(NOW - MINUTE)
    at_that_time = an_item(id=an_id(2)).mark_for_deletion(NOW)
    later = an_item(id=an_id(3)).mark_for_deletion(NOW + timedelta(milliseconds=1))
    await add_items(repositories, before, at_that_time, later, an_item(id=an_id(4)), pending(5))

    found = await repositories.items.list_deleting(NOW, 10)

    assert values_of(found) == [before, at_that_time]
    assert len(await repositories.items.list_deleting(NOW, 1)) == 1
    for item in found:
        assert await repositories.items.delete(item.value.id, item.version)
    assert list(await repositories.items.list_deleting(NOW, 10)) == []


async def test_refused_deletions_are_listed_until_the_file_is_deleted_the_oldest_first(
    repositories: MediaRepositories,
) -> None:
    newer, older = (
        an_item(id=an_id(number), created_at=NOW - number * MINUTE)
        .mark_for_deletion(NOW - number * MINUTE)
        .mark_deletion_refused()
        for number in (1, 2)
    )
    await add_items(
        repositories,
        newer,
        older,
        an_item(id=an_id(3)).mark_for_deletion(NOW),
        an_item(id=an_id(4)),
    )

    found = await repositories.items.list_refused_deletions(10)
    assert values_of(found) == [older, newer]
    assert len(await repositories.items.list_refused_deletions(1)) == 1

    assert values_of(await repositories.items.list_deleting(NOW, 10))[:2] == [older, newer]
    await replace_stored(repositories.items, older.mark_for_deletion(NOW))
    found = await repositories.items.list_refused_deletions(10)
    assert values_of(found) == [newer]


async def test_all_items_are_listed_by_id(repositories: MediaRepositories) -> None:
    items = [an_item(id=an_id(3)), pending(1), an_item(id=an_id(2)).mark_for_deletion(NOW)]
    await add_items(repositories, *items)
    for after_id, limit, listed in (("", 2, [1, 2]), (an_id(1), 9, [2, 3]), (an_id(3), 9, [])):
        found = await repositories.items.list_by_id(after_id, limit)
        assert [item.value.id for item in found] == [an_id(number) for number in listed]


async def test_stored_and_recently_deleted_items_of_an_owner_are_listed_for_a_recount(
    repositories: MediaRepositories,
) -> None:
    deleting = [
        an_item(id=an_id(number), owner_id=OWNER).mark_for_deletion(NOW + number * MINUTE)
        for number in (0, 1, 2)
    ]
    await add_items(
        repositories,
        an_item(id=an_id(11), owner_id=OWNER),
        a_gif(id=an_id(12), owner_id=OWNER).hide(),
        pending(13, owner_id=OWNER),
        *[*deleting[:2], deleting[2].mark_deletion_refused()],
        an_item(id=an_id(14), owner_id=an_id(902)).mark_for_deletion(NOW + MINUTE),
    )

    stored = await repositories.items.list_sizes(OWNER)
    assert stored == {an_id(11): 51_200, an_id(12): 4096}
    recent = await repositories.items.list_deleting_ids(OWNER, NOW)
    assert sorted(recent) == [an_id(1), an_id(2)]


async def test_a_usage_is_due_when_an_upload_has_failed_the_earliest_first(
    repositories: MediaRepositories,
) -> None:
    usages = [
        MediaUsage(an_id(1), pending={made_id(1): 1}),
        MediaUsage(an_id(2), pending={an_id(2): 1, made_id(2): 1}),
        MediaUsage(an_id(3), items=1),
    ]
    for usage in usages:
        await repositories.usages.add(usage)
    due_at = usages[0].recount_at
    assert due_at is not None
    for now, limit, due in ((NOW, 9, [2]), (due_at, 9, [2, 1]), (due_at, 1, [2])):
        found = await repositories.usages.list_due(now, limit)
        assert [usage.value.id for usage in found] == [an_id(number) for number in due]
