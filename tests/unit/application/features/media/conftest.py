"""An owner with an item, another user and an administrator."""

import pytest

from application.principal import Principal
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone


@pytest.fixture
async def owner(app: AppHarness) -> Principal:
    return await app.add_user(a_phone(1), "Rahul")


@pytest.fixture
async def other(app: AppHarness) -> Principal:
    return await app.add_user(a_phone(2), "Priya")


@pytest.fixture
async def administrator(app: AppHarness) -> Principal:
    return await app.add_administrator(a_phone(3))


@pytest.fixture
async def item_id(app: AppHarness, owner: Principal) -> str:
    return (await app.upload_image(owner, category="Party")).item.id


@pytest.fixture
async def storage_key(app: AppHarness, item_id: str) -> str:
    return (await app.get_item(item_id)).item.storage_key
