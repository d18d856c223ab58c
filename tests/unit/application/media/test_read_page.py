"""A page of the library: newest first, and nothing of the deleted."""

from datetime import timedelta

import pytest

from domain.errors import LibraryReadFailed
from domain.identities.identity import Identity
from domain.media.image import MediaKind
from domain.media.item import ItemState, MediaItem
from domain.media.page import Cursor, ItemFilter, PageRequest
from tests.support.builders import NOW, a_deleted_identity, a_gif, an_id, an_identity, an_item
from tests.unit.application.wiring import House

RAHUL, PRIYA = an_id(1), an_id(2)


@pytest.fixture
def house() -> House:
    return House()


async def keep(house: House, *kept: MediaItem | Identity) -> None:
    """Put these into the database."""
    records = house.database.records()
    for one in kept:
        if isinstance(one, MediaItem):
            await records.media_items.add(one)
        else:
            await records.identities.add(one)


def items(count: int, owner: str = RAHUL, first: int = 100) -> list[MediaItem]:
    """Items of one owner, each a second newer than the one before."""
    return [
        an_item(
            id=an_id(first + number), owner_id=owner, created_at=NOW + timedelta(seconds=number)
        )
        for number in range(count)
    ]


async def test_the_newest_come_first(house: House) -> None:
    await keep(house, an_identity(id=RAHUL), *items(5))
    shown = await house.use_cases.list_items(ItemFilter(), PageRequest(1, 3))
    assert [one.item.id for one in shown.items] == [an_id(104), an_id(103), an_id(102)]
    assert (shown.page.total, shown.page.total_pages) == (5, 2)


async def test_each_item_has_the_address_that_its_picture_opens_at(house: House) -> None:
    await keep(house, an_identity(id=RAHUL), *items(2))
    shown = await house.use_cases.list_items(ItemFilter(), PageRequest())
    assert all(one.url.url.endswith(one.item.storage_key) for one in shown.items)


async def test_the_last_page_is_short_and_the_next_is_empty(house: House) -> None:
    await keep(house, an_identity(id=RAHUL), *items(5))
    second = await house.use_cases.list_items(ItemFilter(), PageRequest(2, 3))
    third = await house.use_cases.list_items(ItemFilter(), PageRequest(3, 3))
    far = await house.use_cases.list_items(ItemFilter(), PageRequest(10**30, 3))
    assert [len(page.items) for page in (second, third, far)] == [2, 0, 0]
    assert {page.page.total for page in (second, third, far)} == {5}


async def test_items_are_chosen_by_owner_kind_and_category(house: House) -> None:
    mine = an_item(id=an_id(11), owner_id=RAHUL, category="Party")
    moving = a_gif(id=an_id(12), owner_id=RAHUL, category="party")
    others = an_item(id=an_id(13), owner_id=PRIYA, category="Party")
    await keep(house, an_identity(id=RAHUL), an_identity(id=PRIYA), mine, moving, others)
    choices = {
        "owner": (ItemFilter(owner_id=RAHUL), {mine.id, moving.id}),
        "kind": (ItemFilter(kind=MediaKind.GIF), {moving.id}),
        "category": (ItemFilter(category="Party"), {mine.id, others.id}),
        "all": (ItemFilter(PRIYA, MediaKind.IMAGE, "Party"), {others.id}),
        "none": (ItemFilter(PRIYA, MediaKind.GIF), set[str]()),
    }
    for chosen, expected in choices.values():
        shown = await house.use_cases.list_items(chosen, PageRequest())
        assert {one.item.id for one in shown.items} == expected
        assert shown.page.total == len(expected)


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.DELETING])
async def test_what_is_not_ready_is_not_shown(house: House, state: ItemState) -> None:
    await keep(house, an_identity(id=RAHUL), an_item(owner_id=RAHUL, state=state))
    shown = await house.use_cases.list_items(ItemFilter(), PageRequest())
    assert (shown.items, shown.page.total) == ([], 0)


async def test_nothing_of_the_deleted_is_shown_before_any_sweep(house: House) -> None:
    deleted = a_deleted_identity(id=PRIYA)
    await keep(house, an_identity(id=RAHUL), deleted, *items(3), *items(3, PRIYA, 200))
    everybodys = await house.use_cases.list_items(ItemFilter(), PageRequest())
    assert {one.item.owner_id for one in everybodys.items} == {RAHUL}
    theirs = await house.use_cases.list_items(ItemFilter(owner_id=PRIYA), PageRequest())
    assert (theirs.items, theirs.page.total) == ([], 0)


async def test_every_page_is_read_to_the_end_whatever_of_it_is_hidden(house: House) -> None:
    deleted = a_deleted_identity(id=PRIYA)
    mine, theirs = items(7), items(7, PRIYA, 200)
    await keep(house, an_identity(id=RAHUL), deleted, *mine, *theirs)
    first = await house.use_cases.list_items(ItemFilter(), PageRequest(1, 4))
    seen = []
    for number in range(1, first.page.total_pages + 1):
        shown = await house.use_cases.list_items(ItemFilter(), PageRequest(number, 4))
        seen += [one.item.id for one in shown.items]
    assert sorted(seen) == sorted(item.id for item in mine)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 8, 9])
@pytest.mark.parametrize("hidden", [0, 3, 4, 5, 8, 9])
async def test_whoever_goes_on_by_cursor_gets_to_everything_whatever_is_hidden(
    house: House, count: int, hidden: int
) -> None:
    deleted = a_deleted_identity(id=PRIYA)
    mine, theirs = items(count), items(hidden, PRIYA, 200)
    await keep(house, an_identity(id=RAHUL), deleted, *mine, *theirs)
    seen, request = [], PageRequest(per_page=4)
    while True:
        shown = await house.use_cases.list_items(ItemFilter(), request)
        seen += [one.item.id for one in shown.items]
        if shown.page.next_cursor is None:
            break
        request = PageRequest(per_page=4, after=shown.page.next_cursor)
    assert seen == [item.id for item in mine][::-1]


@pytest.mark.parametrize("per_page", [1, 2, 5, 6, 100, 10**6])
async def test_only_the_last_page_says_that_it_is(house: House, per_page: int) -> None:
    await keep(house, an_identity(id=RAHUL), *items(5))
    first = await house.use_cases.list_items(ItemFilter(), PageRequest(1, per_page))
    assert (first.page.next_cursor is None) == (per_page >= 5)
    for number in range(1, first.page.total_pages + 2):
        shown = await house.use_cases.list_items(ItemFilter(), PageRequest(number, per_page))
        assert (shown.page.next_cursor is None) == (number >= first.page.total_pages)


async def test_a_page_of_a_hundred_goes_on_behind_its_hundredth(house: House) -> None:
    await keep(house, an_identity(id=RAHUL), *items(102))
    first = await house.use_cases.list_items(ItemFilter(), PageRequest(1, 1000))
    assert len(first.items) == 100
    rest = PageRequest(1, 1000, first.page.next_cursor)
    second = await house.use_cases.list_items(ItemFilter(), rest)
    assert [one.item.id for one in second.items] == [an_id(101), an_id(100)]
    assert (second.page.total, second.page.next_cursor) == (102, None)


async def test_the_deletion_of_the_item_behind_which_it_goes_on_changes_nothing(
    house: House,
) -> None:
    await keep(house, an_identity(id=RAHUL), *items(5))
    first = await house.use_cases.list_items(ItemFilter(), PageRequest(1, 2))
    await house.database.records().media_items.delete(first.items[-1].item.id, 1)
    await keep(house, an_item(id=an_id(999), owner_id=RAHUL, created_at=NOW + timedelta(days=1)))
    rest = PageRequest(1, 10, first.page.next_cursor)
    second = await house.use_cases.list_items(ItemFilter(), rest)
    assert [one.item.id for one in second.items] == [an_id(102), an_id(101), an_id(100)]


async def test_a_cursor_goes_with_another_filter(house: House) -> None:
    everybodys = [*items(3), *items(3, PRIYA, 200)]
    await keep(house, an_identity(id=RAHUL), an_identity(id=PRIYA), *everybodys)
    first = await house.use_cases.list_items(ItemFilter(), PageRequest(1, 2))
    rest = PageRequest(1, 10, first.page.next_cursor)
    second = await house.use_cases.list_items(ItemFilter(owner_id=RAHUL), rest)
    assert [one.item.id for one in second.items] == [an_id(101), an_id(100)]


async def test_a_database_that_does_not_answer_is_told_of(house: House) -> None:
    house.database.is_down = True
    for chosen in (ItemFilter(), ItemFilter(owner_id=RAHUL)):
        for request in (PageRequest(), PageRequest(after=Cursor(NOW, an_id()))):
            with pytest.raises(LibraryReadFailed):
                await house.use_cases.list_items(chosen, request)
