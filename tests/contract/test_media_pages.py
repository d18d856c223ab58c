import itertools
from datetime import UTC, datetime, timedelta

import pytest

from application.ports.repositories import Repositories
from domain.media.image import MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.page import Cursor
from tests.support.builders import NOW, a_gif, an_id, an_item

OWNERS = (an_id(901), an_id(902))
CATEGORIES = ("wheels", "Wheels", "", None)
KINDS = {MediaKind.IMAGE: an_item, MediaKind.GIF: a_gif}
ANY = ItemFilter()


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


@pytest.fixture
async def library(repositories: Repositories) -> list[MediaItem]:
    """Ready items, in a database that also has a pending item and one marked for deletion."""
    items = a_library()
    for item in items:
        await repositories.media_items.add(item)
    await repositories.media_items.add(
        an_item(id=an_id(500), owner_id=OWNERS[0], state=ItemState.PENDING)
    )
    await repositories.media_items.add(
        an_item(id=an_id(501), owner_id=OWNERS[0]).mark_for_deletion(NOW)
    )
    return items


@pytest.mark.parametrize("owner_id", [None, OWNERS[0], an_id(903)])
@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("category", [None, "wheels", "Wheels", "", "none has it"])
async def test_ready_items_of_each_filter_are_listed_newest_first(
    repositories: Repositories,
    library: list[MediaItem],
    owner_id: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    item_filter = ItemFilter(owner_id, kind, category)
    expected = newest_first(library, item_filter)

    assert list(await repositories.media_pages.list_page(item_filter, 0, 100)) == expected
    assert await repositories.media_pages.count(item_filter, 100) == len(expected)


@pytest.mark.parametrize("item_filter", [ANY, ItemFilter(kind=MediaKind.GIF, category="wheels")])
async def test_items_are_counted_up_to_the_limit(
    repositories: Repositories, library: list[MediaItem], item_filter: ItemFilter
) -> None:
    total = len(newest_first(library, item_filter))
    counts = {
        limit: await repositories.media_pages.count(item_filter, limit)
        for limit in (1, total - 1, total, total + 1, 10_001)
    }

    assert counts == {limit: min(limit, total) for limit in counts}


@pytest.mark.parametrize("item_filter", [ANY, ItemFilter(owner_id=OWNERS[1])])
async def test_pages_have_no_gaps_and_no_overlap(
    repositories: Repositories, library: list[MediaItem], item_filter: ItemFilter
) -> None:
    pages = [
        await repositories.media_pages.list_page(item_filter, offset, 5)
        for offset in range(0, 40, 5)
    ]

    assert [len(page) for page in pages[:3]] == [5, 5, 5]
    assert [item for page in pages for item in page] == newest_first(library, item_filter)


@pytest.mark.parametrize("owner_id", [None, OWNERS[0], an_id(903)])
@pytest.mark.parametrize("kind", [None, MediaKind.GIF])
@pytest.mark.parametrize("category", [None, "wheels", ""])
async def test_the_older_items_come_after_an_item(
    repositories: Repositories,
    library: list[MediaItem],
    owner_id: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    item_filter = ItemFilter(owner_id, kind, category)
    expected = newest_first(library, item_filter)
    for item in library[::3]:
        older = [
            other for other in expected if (other.created_at, other.id) < (item.created_at, item.id)
        ]
        cursor = Cursor(item.created_at, item.id)
        assert list(await repositories.media_pages.list_after(item_filter, cursor, 100)) == older
        assert list(await repositories.media_pages.list_after(item_filter, cursor, 2)) == older[:2]


async def test_cursor_pagination_lists_each_item_once(
    repositories: Repositories, library: list[MediaItem]
) -> None:
    listed = list(await repositories.media_pages.list_page(ANY, 0, 5))
    while page := await repositories.media_pages.list_after(
        ANY, Cursor(listed[-1].created_at, listed[-1].id), 5
    ):
        listed += page

    assert listed == newest_first(library, ANY)


@pytest.mark.parametrize(
    ("created_at", "item_id", "count"),
    [
        (NOW + timedelta(days=1), an_id(), 32),
        (NOW + timedelta(minutes=10), "f" * 24, 32),
        (NOW, "0" * 24, 0),
        (NOW - timedelta(days=1), "f" * 24, 0),
        (datetime(1970, 1, 1, tzinfo=UTC), an_id(), 0),
        (datetime(4253, 1, 1, tzinfo=UTC), an_id(), 32),
    ],
)
async def test_a_cursor_needs_no_item(
    repositories: Repositories,
    library: list[MediaItem],
    created_at: datetime,
    item_id: str,
    count: int,
) -> None:
    cursor = Cursor(created_at, item_id)

    assert len(await repositories.media_pages.list_after(ANY, cursor, 100)) == count


@pytest.mark.parametrize("offset", [32, 10_000])
async def test_a_page_after_the_last_item_is_empty(
    repositories: Repositories, library: list[MediaItem], offset: int
) -> None:
    assert list(await repositories.media_pages.list_page(ANY, offset, 10)) == []


async def test_an_empty_library_has_empty_pages(repositories: Repositories) -> None:
    assert list(await repositories.media_pages.list_page(ANY, 0, 10)) == []
    assert await repositories.media_pages.count(ANY, 10_001) == 0


async def test_an_item_is_listed_while_it_is_ready(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    async def categories() -> list[str | None]:
        return [
            item.category for item in await other_repositories.media_pages.list_page(ANY, 0, 10)
        ]

    await repositories.media_items.add(an_item(state=ItemState.PENDING))
    assert await categories() == []
    await repositories.media_items.replace(an_item(), 1)
    assert await categories() == [None]
    await repositories.media_items.replace(an_item(category="wheels"), 2)
    assert await categories() == ["wheels"]
    await repositories.media_items.replace(an_item().mark_for_deletion(NOW), 3)
    assert await categories() == []
