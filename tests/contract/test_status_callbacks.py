"""The promises of the port that reads status callbacks, with our messengers that have it."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.messenger_drivers import hook, twilio, vonage
from tests.contract.provider_drivers import only_with
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.messages.test_status_callbacks import *
from tests.contract.suites.messages.test_status_callbacks import (
    test_a_status_callback_counts_for_its_message_only,
    test_an_old_status_callback_gets_no_new_time,
    test_an_old_status_callback_is_not_authentic,
)


@pytest.fixture(params=[twilio, vonage, hook], ids=lambda open_driver: open_driver.__name__)
async def messenger_driver(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async for driver in request.param():
        yield driver


only_with("messenger_driver", twilio, hook)(test_a_status_callback_counts_for_its_message_only)
with_signed_time = only_with("messenger_driver", vonage, hook)
with_signed_time(test_an_old_status_callback_is_not_authentic)
with_signed_time(test_an_old_status_callback_gets_no_new_time)
