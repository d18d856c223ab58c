import asyncio
from datetime import timedelta

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.media import make_media_repositories
from application.features.media.ports import MediaRepositories
from domain.features.media.item import ItemState, MediaItem
from domain.features.media.usage import MediaUsage
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id, made_id
from tests.support.media.builders import a_gif, an_item
from tests.support.stored_values import replace_stored, values_of

OWNER = an_id(901)
MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)


@pytest.fixture
def repositories(database: Database) -> MediaRepositories:
    return make_media_repositories(database)


def pending(number: int, **changes: object) -> MediaItem:
    return an_item(id=an_id(number), state=ItemState.PENDING, **changes)


async def add_items(repositories: MediaRepositories, *items: MediaItem) -> None:
    for item in items:
        await repositories.items.add(item)


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


@IN_MEMORY_FIRST
async def test_items_are_listed_by_owner_deadline_deletion_and_id(
    repositories: MediaRepositories,
) -> None:
    items = repositories.items
    ready = an_item(id=an_id(1), owner_id=OWNER, upload_deadline=NOW - MINUTE)
    hidden = an_item(id=an_id(2), owner_id=OWNER).hide()
    expired = pending(3, owner_id=OWNER, upload_deadline=NOW - MINUTE)
    just_expired = pending(4, upload_deadline=NOW)
    uploading = pending(5, upload_deadline=NOW + MILLISECOND)
    refused, deleting, later = (
        an_item(id=an_id(number), owner_id=OWNER).mark_for_deletion(time)
        for number, time in ((6, NOW - MINUTE), (7, NOW), (8, NOW + MILLISECOND))
    )
    refused = refused.mark_deletion_refused()
    newer = an_item(id=an_id(9), created_at=NOW + MINUTE).mark_for_deletion(NOW + MINUTE)
    newer = newer.mark_deletion_refused()
    await add_items(
        repositories,
        *(newer, later, deleting, refused, uploading, just_expired, expired, hidden, ready),
    )

    owned = values_of(await items.list_owned_by(OWNER, 9))
    assert sorted(owned, key=lambda item: item.id) == [ready, hidden, expired]
    assert len(await items.list_owned_by(OWNER, 1)) == 1
    for found, expected in (
        (await items.list_expired_uploads(NOW, 9), [expired, just_expired]),
        (await items.list_expired_uploads(NOW, 1), [expired]),
        (await items.list_deleting(NOW, 9), [refused, deleting]),
        (await items.list_deleting(NOW, 1), [refused]),
        (await items.list_refused_deletions(9), [refused, newer]),
        (await items.list_refused_deletions(1), [refused]),
        (await items.list_by_id("", 2), [ready, hidden]),
        (await items.list_by_id(an_id(8), 9), [newer]),
    ):
        assert values_of(found) == expected
    await replace_stored(items, refused.mark_for_deletion(NOW))
    assert values_of(await items.list_refused_deletions(9)) == [newer]


@IN_MEMORY_FIRST
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


@IN_MEMORY_FIRST
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
