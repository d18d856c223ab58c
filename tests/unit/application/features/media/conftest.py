import pytest

from application.principal import Principal
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone


@pytest.fixture
async def owner(app: AppHarness) -> Principal:
    return await app.add_user(a_phone(1), "Rahul")
