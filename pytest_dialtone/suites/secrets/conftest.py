"""A key source."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytest_dialtone.external_adapter import open_external_adapter
from pytest_dialtone.suites.secrets.driver import KeySourceDriver


@pytest.fixture
async def key_source_driver(tmp_path: Path) -> AsyncIterator[KeySourceDriver]:
    """Open a key source."""
    async with open_external_adapter(tmp_path) as source:
        driver = KeySourceDriver(source, lambda: open_external_adapter(tmp_path))
        yield driver
        await driver.end_test()
