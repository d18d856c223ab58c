"""Items of the library by what they are listed by, on all databases."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.media import make_media_repositories
from application.features.media.ports import MediaRepositories
from domain.cursor import Cursor
from domain.features.media.image import MediaKind
from domain.features.media.item import ItemFilter, ItemState, MediaItem
from domain.features.media.usage import MediaUsage
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id, made_id
from tests.support.media.builders import a_gif, an_item
from tests.support.stored_values import replace_stored, values_of

OWNERS = (an_id(901), an_id(902))
OWNER = OWNERS[0]
CATEGORIES = ("wheels", "Wheels", "", None)
KINDS = {MediaKind.IMAGE: an_item, MediaKind.GIF: a_gif}
FILTERS = [
    ItemFilter(owner_id, kind, category, is_hidden=is_hidden)
    for owner_id in (None, OWNER)
    for kind in (None, *KINDS)
    for category in (None, "wheels", "", "none has it")
    for is_hidden in (False, True)
]
MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)


@pytest.fixture
def repositories(database: Database) -> MediaRepositories:
    return make_media_repositories(database)


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
        assert len(await repositories.items.list_of_owner(OWNER, 10)) == 1
        assert [*await repositories.items.list_sizes(OWNER)] == [item.id]
    await hiding


@IN_MEMORY_FIRST
async def test_items_are_listed_by_owner_deadline_deletion_and_id(
    repositories: MediaRepositories,
) -> None:
    items = repositories.items
    ready = an_item(id=an_id(1), owner_id=OWNER, upload_deadline=NOW - MINUTE)
    hidden = a_gif(id=an_id(2), owner_id=OWNER).hide()
    expired, just_expired, uploading = (
        an_item(id=an_id(number), state=ItemState.PENDING, owner_id=owner, upload_deadline=deadline)
        for number, owner, deadline in (
            (3, OWNER, NOW - MINUTE),
            (4, OWNERS[1], NOW),
            (5, OWNERS[1], NOW + MILLISECOND),
        )
    )
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

    owned = values_of(await items.list_of_owner(OWNER, 9))
    assert sorted(owned, key=lambda item: item.id) == [ready, hidden, expired]
    assert len(await items.list_of_owner(OWNER, 1)) == 1
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
    # For a recount of what the owner has.
    assert await items.list_sizes(OWNER) == {ready.id: 51_200, hidden.id: 4096}
    assert [*await items.list_deleting_ids(OWNER, NOW)] == [later.id]
    await replace_stored(items, refused.mark_for_deletion(NOW))
    assert values_of(await items.list_refused_deletions(9)) == [newer]


def a_library() -> list[MediaItem]:
    """Return two items of each combination. Their ages are mixed, and some are equal."""
    combinations = itertools.product(OWNERS, KINDS.values(), CATEGORIES, range(2))
    return [
        make_item(
            id=an_id(number * 7 % 32),
            owner_id=owner_id,
            category=category,
            created_at=NOW + timedelta(minutes=number * 5 % 11),
            state=ItemState.HIDDEN if number % 5 == 0 else ItemState.READY,
        )
        for number, (owner_id, make_item, category, _) in enumerate(combinations)
    ]


@IN_MEMORY_FIRST
async def test_the_items_of_each_filter_are_counted_and_have_pages_the_newest_first(
    repositories: MediaRepositories,
) -> None:
    library, pages = a_library(), repositories.items
    pending = an_item(id=an_id(500), owner_id=OWNER, state=ItemState.PENDING)
    deleting = an_item(id=an_id(501), owner_id=OWNER).mark_for_deletion(NOW)
    await add_items(repositories, *library, pending, deleting)

    for item_filter in FILTERS:
        state = ItemState.HIDDEN if item_filter.is_hidden else ItemState.READY
        expected = [
            item
            for item in sorted(library, key=lambda item: (item.created_at, item.id), reverse=True)
            if item.state is state
            and item_filter.owner_id in (None, item.owner_id)
            and item_filter.kind in (None, item.kind)
            and item_filter.category in (None, item.category)
        ]
        assert [*await pages.list_page(item_filter, 0, 100)] == expected
        assert [*await pages.list_page(item_filter, 3, 4)] == expected[3:7]
        for limit in (1, len(expected) + 1):
            assert await pages.count(item_filter, limit) == min(limit, len(expected))
        for number, item in enumerate(expected[:5], start=1):
            cursor = Cursor(item.created_at, item.id)
            assert [*await pages.list_after(item_filter, cursor, 100)] == expected[number:]
            assert [*await pages.list_after(item_filter, cursor, 2)] == expected[number:][:2]


@IN_MEMORY_FIRST
async def test_a_usage_is_due_when_an_upload_has_failed(
    repositories: MediaRepositories,
) -> None:
    usages = MediaUsage(an_id(1), pending={made_id(1): 1}), MediaUsage(an_id(3), items=1)
    for usage in usages:
        await repositories.usages.add(usage)
    due_at = usages[0].recount_at
    assert due_at is not None

    assert await repositories.usages.list_due(due_at - MILLISECOND, 9) == []
    assert values_of(await repositories.usages.list_due(due_at, 9)) == [usages[0]]
