"""Showing, labelling and deleting one item, and serving its file."""

import asyncio

import pytest

from application.identities.authenticate import Caller
from domain.errors import ItemNotFound, MediaNotFound, NotOwner, Unavailable
from domain.media.item import ItemState
from tests.builders import a_phone, an_id, an_item
from tests.unit.application.wiring import GIF, House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def owner(house: House) -> Caller:
    return await house.user(a_phone(1), "Rahul")


@pytest.fixture
async def other(house: House) -> Caller:
    return await house.user(a_phone(2), "Priya")


@pytest.fixture
async def administrator(house: House) -> Caller:
    return await house.administrator(a_phone(3))


@pytest.fixture
async def item_id(house: House, owner: Caller) -> str:
    return (await house.upload(owner, category="Party")).item.id


@pytest.fixture
async def key(house: House, item_id: str) -> str:
    return (await house.use_cases.read_item(item_id)).item.key


# Showing


async def test_an_item_is_shown_with_its_address(house: House, item_id: str) -> None:
    shown = await house.use_cases.read_item(item_id)
    assert shown.item.id == item_id
    assert shown.url.url.endswith(shown.item.key)


async def test_what_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(ItemNotFound):
        await house.use_cases.read_item(an_id(99))


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.DOOMED])
async def test_what_is_not_ready_is_not_found(house: House, state: ItemState) -> None:
    item = an_item(state=state)
    await house.database.records().media_items.add(item)
    house.files.kept[item.key] = GIF
    with pytest.raises(ItemNotFound):
        await house.use_cases.read_item(item.id)
    with pytest.raises(MediaNotFound):
        await house.use_cases.open_file(item.key)


async def test_without_the_database_nothing_is_declared_missing(house: House, item_id: str) -> None:
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.read_item(item_id)


# Labelling


async def test_the_owner_puts_another_label_on_it(
    house: House, owner: Caller, item_id: str
) -> None:
    shown = await house.use_cases.categorise_item(owner, item_id, "Beach ")
    assert shown.item.category == "Beach "
    assert (await house.use_cases.read_item(item_id)).item == shown.item


async def test_the_owner_takes_the_label_off(house: House, owner: Caller, item_id: str) -> None:
    assert (await house.use_cases.categorise_item(owner, item_id, None)).item.category is None


async def test_an_administrator_labels_anybodys(
    house: House, administrator: Caller, item_id: str
) -> None:
    shown = await house.use_cases.categorise_item(administrator, item_id, "Beach")
    assert shown.item.category == "Beach"


async def test_nobody_else_labels_it(house: House, other: Caller, item_id: str) -> None:
    with pytest.raises(NotOwner):
        await house.use_cases.categorise_item(other, item_id, "Beach")
    assert (await house.use_cases.read_item(item_id)).item.category == "Party"


async def test_many_labels_at_once_leave_one_of_them(
    house: House, owner: Caller, item_id: str
) -> None:
    labels = [f"label {number}" for number in range(20)]
    shown = await asyncio.gather(
        *(house.use_cases.categorise_item(owner, item_id, label) for label in labels)
    )
    assert [one.item.category for one in shown] == labels
    assert (await house.use_cases.read_item(item_id)).item.category in labels


async def test_a_label_brings_no_deleted_item_back(
    house: House, owner: Caller, item_id: str
) -> None:
    outcomes = await asyncio.gather(
        *(house.use_cases.categorise_item(owner, item_id, "Beach") for _ in range(5)),
        house.use_cases.delete_item(owner, item_id),
        return_exceptions=True,
    )
    assert outcomes[-1] is None
    with pytest.raises(ItemNotFound):
        await house.use_cases.read_item(item_id)


async def test_a_label_that_could_not_be_saved_is_not_acknowledged(
    house: House, owner: Caller, item_id: str
) -> None:
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.categorise_item(owner, item_id, "Beach")


# Deleting


async def test_a_deleted_item_and_its_file_are_gone_at_once(
    house: House, owner: Caller, item_id: str, key: str
) -> None:
    await house.use_cases.delete_item(owner, item_id)
    with pytest.raises(ItemNotFound):
        await house.use_cases.read_item(item_id)
    with pytest.raises(MediaNotFound):
        await house.use_cases.open_file(key)
    assert house.files.kept == {}


async def test_an_administrator_deletes_anybodys(
    house: House, administrator: Caller, item_id: str
) -> None:
    await house.use_cases.delete_item(administrator, item_id)
    with pytest.raises(ItemNotFound):
        await house.use_cases.read_item(item_id)


async def test_nobody_else_deletes_it(house: House, other: Caller, item_id: str, key: str) -> None:
    with pytest.raises(NotOwner):
        await house.use_cases.delete_item(other, item_id)
    assert key in house.files.kept


async def test_a_store_that_does_not_let_go_hinders_no_deletion(
    house: House, owner: Caller, item_id: str, key: str
) -> None:
    house.files.broken = True
    await house.use_cases.delete_item(owner, item_id)
    house.files.broken = False
    with pytest.raises(MediaNotFound):
        await house.use_cases.open_file(key)


async def test_deleting_twice_at_once_is_deleting_once(
    house: House, owner: Caller, item_id: str
) -> None:
    outcomes = await asyncio.gather(
        *(house.use_cases.delete_item(owner, item_id) for _ in range(5)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(one, ItemNotFound) for one in outcomes) == 4


async def test_a_deletion_that_could_not_be_saved_is_not_acknowledged(
    house: House, owner: Caller, item_id: str
) -> None:
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.delete_item(owner, item_id)


# Serving


async def test_a_file_is_served_to_whoever_knows_its_key(house: House, key: str) -> None:
    opened = await house.use_cases.open_file(key)
    content = b"".join([chunk async for chunk in opened.file.chunks])
    assert content == house.files.kept[key]
    assert opened.file.size == len(content)
    assert opened.item.picture.format.content_type == "image/gif"


async def test_an_unknown_key_is_not_found(house: House) -> None:
    house.files.kept["left-over.gif"] = GIF
    with pytest.raises(MediaNotFound):
        await house.use_cases.open_file("left-over.gif")


async def test_a_file_that_is_lost_is_not_found(house: House, key: str) -> None:
    del house.files.kept[key]
    with pytest.raises(MediaNotFound):
        await house.use_cases.open_file(key)


async def test_what_does_not_answer_is_not_declared_missing(house: House, key: str) -> None:
    house.files.broken = True
    with pytest.raises(Unavailable):
        await house.use_cases.open_file(key)
    house.files.broken, house.database.is_down = False, True
    with pytest.raises(Unavailable):
        await house.use_cases.open_file(key)
