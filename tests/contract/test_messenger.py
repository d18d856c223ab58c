"""The promises of the port that sends messages to phones, with our messengers."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.messenger_drivers import fake, hook, terminal, twilio, vonage, whatsapp
from tests.contract.provider_drivers import only_with
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.messages.test_messenger import *
from tests.contract.suites.messages.test_messenger import (
    test_a_message_that_the_provider_rejects_is_not_sent_again,
    test_a_message_without_an_answer_is_unknown_and_not_sent_again,
    test_a_text_is_delivered_whole_or_rejected,
    test_an_account_that_is_refused_is_unavailable_and_no_invalid_number,
    test_an_invalid_number_has_a_reason_without_the_number,
    test_each_message_has_the_url_for_its_own_status,
    test_without_a_provider_nothing_is_sent_and_afterwards_only_new_messages_are,
)


@pytest.fixture(
    params=[fake, terminal, twilio, vonage, hook, whatsapp],
    ids=lambda open_driver: open_driver.__name__,
)
async def messenger_driver(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async for driver in request.param():
        yield driver


with_failures = only_with("messenger_driver", fake, twilio, vonage, hook, whatsapp)
with_failures(test_a_message_that_the_provider_rejects_is_not_sent_again)
with_failures(test_an_invalid_number_has_a_reason_without_the_number)
with_failures(test_an_account_that_is_refused_is_unavailable_and_no_invalid_number)
# Vonage and WhatsApp post to one URL.
only_with("messenger_driver", twilio, hook)(test_each_message_has_the_url_for_its_own_status)
# The terminal breaks lines, and WhatsApp sends templates.
only_with("messenger_driver", fake, twilio, vonage, hook)(
    test_a_text_is_delivered_whole_or_rejected
)
with_provider = only_with("messenger_driver", twilio, vonage, hook, whatsapp)
with_provider(test_a_message_without_an_answer_is_unknown_and_not_sent_again)
with_provider(test_without_a_provider_nothing_is_sent_and_afterwards_only_new_messages_are)
