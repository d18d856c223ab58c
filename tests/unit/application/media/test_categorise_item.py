"""The owner puts another label on an item."""

import asyncio

import pytest

from application.principal import Principal
from domain.errors import Forbidden, ItemNotFound, Unavailable
from tests.unit.application.breaking import BreakingDatabase
from tests.unit.application.wiring import House


async def test_the_owner_puts_another_label_on_it(
    house: House, owner: Principal, item_id: str
) -> None:
    shown = await house.use_cases.categorize_item(owner, item_id, "Beach ")
    assert shown.item.category == "Beach "
    assert (await house.use_cases.get_item(item_id)).item == shown.item


async def test_the_owner_takes_the_label_off(house: House, owner: Principal, item_id: str) -> None:
    assert (await house.use_cases.categorize_item(owner, item_id, None)).item.category is None


async def test_an_administrator_labels_anybodys(
    house: House, administrator: Principal, item_id: str
) -> None:
    shown = await house.use_cases.categorize_item(administrator, item_id, "Beach")
    assert shown.item.category == "Beach"


async def test_nobody_else_labels_it(house: House, other: Principal, item_id: str) -> None:
    with pytest.raises(Forbidden):
        await house.use_cases.categorize_item(other, item_id, "Beach")
    assert (await house.use_cases.get_item(item_id)).item.category == "Party"


async def test_many_labels_at_once_leave_one_of_them(
    house: House, owner: Principal, item_id: str
) -> None:
    labels = [f"label {number}" for number in range(20)]
    shown = await asyncio.gather(
        *(house.use_cases.categorize_item(owner, item_id, label) for label in labels)
    )
    assert [one.item.category for one in shown] == labels
    assert (await house.use_cases.get_item(item_id)).item.category in labels


async def test_a_label_brings_no_deleted_item_back(
    house: House, owner: Principal, item_id: str
) -> None:
    outcomes = await asyncio.gather(
        *(house.use_cases.categorize_item(owner, item_id, "Beach") for _ in range(5)),
        house.use_cases.delete_item(owner, item_id),
        return_exceptions=True,
    )
    assert outcomes[-1] is None
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(item_id)


@pytest.mark.parametrize("step", range(1, 4))
async def test_a_label_that_could_not_be_saved_is_not_acknowledged(step: int) -> None:
    database = BreakingDatabase()
    house = House(database=database)
    owner = await house.user()
    item_id = (await house.upload(owner, category="Party")).item.id
    database.steps.forget()
    database.steps.fails_at = step
    with pytest.raises(Unavailable):
        await house.use_cases.categorize_item(owner, item_id, "Beach")
    assert (await house.use_cases.get_item(item_id)).item.category == "Party"
