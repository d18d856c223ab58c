"""The phone line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.suites.external_adapter import open_external_adapter
from tests.contract.suites.voice.drivers import (
    CallsDriver,
    ExternalCallsDriver,
    ExternalVoiceDriver,
    VoiceDriver,
)


@pytest.fixture
async def calls_driver(tmp_path: Path) -> AsyncIterator[CallsDriver]:
    """Open the phone line, as a provider of calls."""
    async with open_external_adapter(tmp_path) as voice:
        driver = ExternalCallsDriver(voice)
        yield driver
        await driver.end_test()


@pytest.fixture
async def voice_driver(tmp_path: Path) -> AsyncIterator[VoiceDriver]:
    """Open the phone line, as signatures, parser and markup."""
    async with open_external_adapter(tmp_path) as voice:
        yield ExternalVoiceDriver(voice)
