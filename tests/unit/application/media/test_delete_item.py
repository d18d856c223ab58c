"""A deleted item is shown no more from that moment on, nor is its file."""

import asyncio

import pytest

from application.principal import Principal
from domain.errors import Forbidden, ItemNotFound, MediaFileNotFound, Unavailable
from tests.unit.application.breaking import BreakingDatabase
from tests.unit.application.wiring import House


async def test_a_deleted_item_and_its_file_are_gone_at_once(
    house: House, owner: Principal, item_id: str, key: str
) -> None:
    await house.use_cases.delete_item(owner, item_id)
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(item_id)
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(key)
    assert house.files.kept == {}


async def test_an_administrator_deletes_anybodys(
    house: House, administrator: Principal, item_id: str
) -> None:
    await house.use_cases.delete_item(administrator, item_id)
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(item_id)


async def test_nobody_else_deletes_it(
    house: House, other: Principal, item_id: str, key: str
) -> None:
    with pytest.raises(Forbidden):
        await house.use_cases.delete_item(other, item_id)
    assert key in house.files.kept


async def test_a_store_that_does_not_let_go_hinders_no_deletion(
    house: House, owner: Principal, item_id: str, key: str
) -> None:
    house.files.broken = True
    await house.use_cases.delete_item(owner, item_id)
    house.files.broken = False
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(key)


async def test_deleting_twice_at_once_is_deleting_once(
    house: House, owner: Principal, item_id: str
) -> None:
    outcomes = await asyncio.gather(
        *(house.use_cases.delete_item(owner, item_id) for _ in range(5)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(one, ItemNotFound) for one in outcomes) == 4


@pytest.mark.parametrize("step", range(1, 4))
async def test_a_deletion_that_could_not_be_saved_is_not_acknowledged(step: int) -> None:
    database = BreakingDatabase()
    house = House(database=database)
    owner = await house.user()
    shown = await house.upload(owner)
    database.steps.forget()
    database.steps.fails_at = step
    with pytest.raises(Unavailable):
        await house.use_cases.delete_item(owner, shown.item.id)
    assert (await house.use_cases.get_item(shown.item.id)).item == shown.item
    assert shown.item.storage_key in house.files.kept
