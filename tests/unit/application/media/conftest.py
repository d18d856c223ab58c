"""A house with an owner, somebody else, an administrator, and the owner's item."""

import pytest

from application.principal import Principal
from tests.support.builders import a_phone
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def owner(house: House) -> Principal:
    return await house.user(a_phone(1), "Rahul")


@pytest.fixture
async def other(house: House) -> Principal:
    return await house.user(a_phone(2), "Priya")


@pytest.fixture
async def administrator(house: House) -> Principal:
    return await house.administrator(a_phone(3))


@pytest.fixture
async def item_id(house: House, owner: Principal) -> str:
    return (await house.upload(owner, category="Party")).item.id


@pytest.fixture
async def key(house: House, item_id: str) -> str:
    return (await house.use_cases.get_item(item_id)).item.storage_key
