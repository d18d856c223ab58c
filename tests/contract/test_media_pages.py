import itertools
from datetime import UTC, datetime, timedelta

import pytest

from application.ports.repositories import Repositories
from domain.media.image import MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import Cursor, ItemFilter
from tests.support.builders import NOW, a_gif, an_id, an_item

OWNERS = (an_id(901), an_id(902))
CATEGORIES = ("wheels", "Wheels", "", None)
KINDS = {MediaKind.IMAGE: an_item, MediaKind.GIF: a_gif}
ANY = ItemFilter()


def a_library() -> list[MediaItem]:
    """Items of every sort, two of each; ages are mixed and some are the same."""
    sorts = itertools.product(OWNERS, KINDS.values(), CATEGORIES, range(2))
    return [
        make(
            id=an_id(number * 7 % 32),
            owner=owner,
            category=category,
            created=NOW + timedelta(minutes=number * 5 % 11),
        )
        for number, (owner, make, category, _) in enumerate(sorts)
    ]


def newest_first(items: list[MediaItem], chosen: ItemFilter) -> list[MediaItem]:
    wanted = [
        item
        for item in items
        if chosen.owner_id in (None, item.owner_id)
        and chosen.kind in (None, item.kind)
        and chosen.category in (None, item.category)
    ]
    return sorted(wanted, key=lambda item: (item.created_at, item.id), reverse=True)


@pytest.fixture
async def library(records: Repositories) -> list[MediaItem]:
    """What is shown of a database that also holds an item on its way in and one on its way out."""
    items = a_library()
    for item in items:
        await records.media_items.add(item)
    await records.media_items.add(
        an_item(id=an_id(500), owner_id=OWNERS[0], state=ItemState.PENDING)
    )
    await records.media_items.add(an_item(id=an_id(501), owner_id=OWNERS[0]).mark_for_deletion(NOW))
    return items


@pytest.mark.parametrize("owner", [None, OWNERS[0], an_id(903)])
@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("category", [None, "wheels", "Wheels", "", "none has it"])
async def test_ready_items_of_every_choice_come_newest_first(
    records: Repositories,
    library: list[MediaItem],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    chosen = ItemFilter(owner, kind, category)
    expected = newest_first(library, chosen)

    assert list(await records.media_pages.list_page(chosen, 0, 100)) == expected
    assert await records.media_pages.count(chosen) == len(expected)


@pytest.mark.parametrize("chosen", [ANY, ItemFilter(owner_id=OWNERS[1])])
async def test_pages_follow_each_other_without_gap_or_overlap(
    records: Repositories, library: list[MediaItem], chosen: ItemFilter
) -> None:
    pages = [await records.media_pages.list_page(chosen, offset, 5) for offset in range(0, 40, 5)]

    assert [len(page) for page in pages[:3]] == [5, 5, 5]
    assert [item for page in pages for item in page] == newest_first(library, chosen)


@pytest.mark.parametrize("owner", [None, OWNERS[0], an_id(903)])
@pytest.mark.parametrize("kind", [None, MediaKind.GIF])
@pytest.mark.parametrize("category", [None, "wheels", ""])
async def test_what_comes_after_every_item_are_those_behind_it(
    records: Repositories,
    library: list[MediaItem],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    chosen = ItemFilter(owner, kind, category)
    expected = newest_first(library, chosen)
    for item in library[::3]:
        behind = [one for one in expected if (one.created_at, one.id) < (item.created_at, item.id)]
        place = Cursor.after_item(item)
        assert list(await records.media_pages.list_after(chosen, place, 100)) == behind
        assert list(await records.media_pages.list_after(chosen, place, 2)) == behind[:2]


async def test_going_on_behind_the_last_read_meets_every_item_once(
    records: Repositories, library: list[MediaItem]
) -> None:
    met = list(await records.media_pages.list_page(ANY, 0, 5))
    while further := await records.media_pages.list_after(ANY, Cursor.after_item(met[-1]), 5):
        met += further

    assert met == newest_first(library, ANY)


@pytest.mark.parametrize(
    ("created", "item_id", "count"),
    [
        (NOW + timedelta(days=1), an_id(), 32),
        (NOW + timedelta(minutes=10), "f" * 24, 32),
        (NOW, "0" * 24, 0),
        (NOW - timedelta(days=1), "f" * 24, 0),
        (datetime(1970, 1, 1, tzinfo=UTC), an_id(), 0),
        (datetime(4253, 1, 1, tzinfo=UTC), an_id(), 32),
    ],
)
async def test_a_position_needs_no_item(
    records: Repositories, library: list[MediaItem], created: datetime, item_id: str, count: int
) -> None:
    position = Cursor(created, item_id)

    assert len(await records.media_pages.list_after(ANY, position, 100)) == count


@pytest.mark.parametrize("offset", [32, 1000, 10**30])
async def test_after_the_last_item_comes_nothing(
    records: Repositories, library: list[MediaItem], offset: int
) -> None:
    assert list(await records.media_pages.list_page(ANY, offset, 10)) == []


async def test_a_library_without_items_has_empty_pages(records: Repositories) -> None:
    assert list(await records.media_pages.list_page(ANY, 0, 10)) == []
    assert await records.media_pages.count(ANY) == 0


async def test_an_item_is_shown_as_long_as_it_is_ready(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    async def shown() -> list[str | None]:
        return [item.category for item in await records_elsewhere.media_pages.list_page(ANY, 0, 10)]

    await records.media_items.add(an_item(state=ItemState.PENDING))
    assert await shown() == []
    await records.media_items.replace(an_item(), 1)
    assert await shown() == [None]
    await records.media_items.replace(an_item(category="wheels"), 2)
    assert await shown() == ["wheels"]
    await records.media_items.replace(an_item().mark_for_deletion(NOW), 3)
    assert await shown() == []
