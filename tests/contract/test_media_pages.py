import itertools
from datetime import timedelta

import pytest
import pytest_asyncio

from adapters.databases.records.database import Database
from adapters.databases.records.features.media import make_media_repositories
from application.features.media.ports import MediaRepositories
from domain.cursor import Cursor
from domain.features.media.image import MediaKind
from domain.features.media.item import ItemFilter, ItemState, MediaItem
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id
from tests.support.media.builders import a_gif, an_item

pytestmark = IN_MEMORY_FIRST

OWNERS = (an_id(901), an_id(902))
CATEGORIES = ("wheels", "Wheels", "", None)
KINDS = {MediaKind.IMAGE: an_item, MediaKind.GIF: a_gif}
ANY = ItemFilter()


@pytest.fixture
def repositories(database: Database) -> MediaRepositories:
    return make_media_repositories(database)


def a_library() -> list[MediaItem]:
    """Return two items of each combination. Their ages are mixed, and some are equal."""
    combinations = itertools.product(OWNERS, KINDS.values(), CATEGORIES, range(2))
    return [
        make_item(
            id=an_id(number * 7 % 32),
            owner_id=owner_id,
            category=category,
            created_at=NOW + timedelta(minutes=number * 5 % 11),
        )
        for number, (owner_id, make_item, category, _) in enumerate(combinations)
    ]


def newest_first(items: list[MediaItem], item_filter: ItemFilter) -> list[MediaItem]:
    matching = [
        item
        for item in items
        if item_filter.owner_id in (None, item.owner_id)
        and item_filter.kind in (None, item.kind)
        and item_filter.category in (None, item.category)
    ]
    return sorted(matching, key=lambda item: (item.created_at, item.id), reverse=True)


@pytest_asyncio.fixture(loop_scope="session")
async def library(repositories: MediaRepositories) -> list[MediaItem]:
    """Ready items, in a database that also has items in each other state."""
    items = a_library()
    for item in items:
        await repositories.items.add(item)
    await repositories.items.add(
        an_item(id=an_id(500), owner_id=OWNERS[0], state=ItemState.PENDING)
    )
    await repositories.items.add(an_item(id=an_id(502), owner_id=OWNERS[0]).hide())
    await repositories.items.add(an_item(id=an_id(501), owner_id=OWNERS[0]).mark_for_deletion(NOW))
    return items


FILTERS = [
    ItemFilter(owner_id, kind, category)
    for owner_id in (None, OWNERS[0])
    for kind in (None, *KINDS)
    for category in (None, "wheels", "", "none has it")
]


async def test_ready_items_of_each_filter_are_listed_newest_first_and_counted(
    repositories: MediaRepositories, library: list[MediaItem]
) -> None:
    pages = repositories.items
    for item_filter in FILTERS:
        expected = newest_first(library, item_filter)
        total = len(expected)

        assert list(await pages.list_page(item_filter, 0, 100)) == expected
        assert list(await pages.list_page(item_filter, 3, 4)) == expected[3:7]
        for limit in {1, total, total + 1} - {0}:
            assert await pages.count(item_filter, limit) == min(limit, total)


async def test_hidden_items_have_pages_of_their_own(
    repositories: MediaRepositories, library: list[MediaItem]
) -> None:
    pages = repositories.items
    older, newer = (
        an_item(id=an_id(number), owner_id=OWNERS[1], created_at=NOW + timedelta(days=number))
        for number in (600, 601)
    )
    for item in (older, newer):
        await pages.add(item.hide())
    hidden = ItemFilter(owner_id=OWNERS[1], is_hidden=True)

    assert list(await pages.list_page(hidden, 0, 100)) == [newer.hide(), older.hide()]
    cursor = Cursor(newer.created_at, newer.id)
    assert list(await pages.list_after(hidden, cursor, 100)) == [older.hide()]
    assert await pages.count(ItemFilter(is_hidden=True), 100) == 3


async def test_the_older_items_of_each_filter_come_after_an_item(
    repositories: MediaRepositories, library: list[MediaItem]
) -> None:
    pages = repositories.items
    for item_filter, item in itertools.product(FILTERS, library[::15]):
        cursor = Cursor(item.created_at, item.id)
        older = [
            other
            for other in newest_first(library, item_filter)
            if (other.created_at, other.id) < (item.created_at, item.id)
        ]
        assert list(await pages.list_after(item_filter, cursor, 100)) == older
        assert list(await pages.list_after(item_filter, cursor, 2)) == older[:2]
