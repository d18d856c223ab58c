"""What several tests of HTTP share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.console import Console, open_console


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    async with open_console() as opened:
        yield opened
