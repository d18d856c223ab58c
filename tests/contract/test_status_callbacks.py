"""The promises of the port that reads status callbacks, with our messengers that have it."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.messenger_drivers import hook, twilio, vonage, whatsapp
from tests.contract.provider_drivers import only_with
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.messages.test_status_callbacks import *
from tests.contract.suites.messages.test_status_callbacks import (
    test_a_handshake_of_the_provider_is_answered_with_its_secret_only,
    test_a_status_callback_counts_for_its_message_only,
    test_a_stranger_gets_nothing_back,
    test_an_old_status_callback_gets_no_new_time,
    test_an_old_status_callback_is_not_authentic,
    test_the_statuses_of_several_messages_have_the_reference_of_each,
)


@pytest.fixture(
    params=[twilio, vonage, hook, whatsapp], ids=lambda open_driver: open_driver.__name__
)
async def messenger_driver(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async for driver in request.param():
        yield driver


only_with("messenger_driver", twilio, hook)(test_a_status_callback_counts_for_its_message_only)
with_signed_time = only_with("messenger_driver", vonage, hook)
with_signed_time(test_an_old_status_callback_is_not_authentic)
with_signed_time(test_an_old_status_callback_gets_no_new_time)
only_with("messenger_driver", vonage, whatsapp)(
    test_the_statuses_of_several_messages_have_the_reference_of_each
)
with_handshake = only_with("messenger_driver", whatsapp)
with_handshake(test_a_stranger_gets_nothing_back)
with_handshake(test_a_handshake_of_the_provider_is_answered_with_its_secret_only)
