"""The promises to providers that post to one fixed URL, with our messengers of such providers."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.messenger_drivers import vonage
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.messages.test_fixed_webhook import (
    test_the_statuses_of_several_messages_have_the_reference_of_each,
)

__all__ = ["test_the_statuses_of_several_messages_have_the_reference_of_each"]


@pytest.fixture(params=[vonage], ids=lambda open_driver: open_driver.__name__)
async def messenger_driver(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async for driver in request.param():
        yield driver
