"""One item is shown to anybody who is signed in."""

import pytest

from domain.errors import ItemNotFound, Unavailable
from domain.media.item import ItemState
from tests.support.builders import an_id, an_item
from tests.unit.application.wiring import House


async def test_an_item_is_shown_with_its_address(house: House, item_id: str) -> None:
    shown = await house.use_cases.get_item(item_id)
    assert shown.item.id == item_id
    assert shown.url.url.endswith(shown.item.storage_key)


async def test_what_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(an_id(99))


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.DELETING])
async def test_what_is_not_ready_is_not_found(house: House, state: ItemState) -> None:
    item = an_item(state=state)
    await house.database.records().media_items.add(item)
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(item.id)


async def test_without_the_database_nothing_is_declared_missing(house: House, item_id: str) -> None:
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.get_item(item_id)
