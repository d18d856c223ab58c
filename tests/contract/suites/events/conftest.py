"""The destination of events."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.suites.events.driver import EventsDriver, ExternalEventsDriver
from tests.contract.suites.external_adapter import open_external_adapter


@pytest.fixture
async def events_driver(tmp_path: Path) -> AsyncIterator[EventsDriver]:
    """Open the destination of events."""
    async with open_external_adapter(tmp_path) as destination:
        driver = ExternalEventsDriver(destination)
        yield driver
        await driver.end_test()
