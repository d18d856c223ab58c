"""A house with an owner, somebody else, an administrator, and the owner's item."""

import pytest

from application.identities.authenticate import Caller
from tests.builders import a_phone
from tests.unit.application.wiring import House


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
