"""The messenger."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.suites.external_adapter import open_external_adapter
from tests.contract.suites.messages.driver import ExternalMessengerDriver, MessengerDriver


@pytest.fixture
async def messenger_driver(tmp_path: Path) -> AsyncIterator[MessengerDriver]:
    """Open the messenger."""
    async with open_external_adapter(tmp_path) as messenger:
        driver = ExternalMessengerDriver(messenger)
        yield driver
        await driver.end_test()
