"""The destination of events."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytest_dialtone.external_adapter import open_external_adapter
from pytest_dialtone.suites.events.driver import EventsDriver, ExternalEventsDriver


@pytest.fixture
async def events_driver(tmp_path: Path) -> AsyncIterator[EventsDriver]:
    """Open the destination of events."""
    async with open_external_adapter(tmp_path) as destination:
        driver = ExternalEventsDriver(destination)
        yield driver
        await driver.end_test()
