"""The messenger that the suites run with."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.whatsapp.whatsapp_driver import WhatsAppDriver, whatsapp


@pytest_asyncio.fixture
async def messenger_driver() -> AsyncIterator[WhatsAppDriver]:
    async for driver in whatsapp():
        yield driver
