"""The promises of the port that sends messages to phones, with WhatsApp's Cloud API."""

from tests.contract.suites.messages.test_messenger import *
from tests.contract.suites.messages.test_messenger import (
    test_a_text_is_delivered_whole_or_rejected,
    test_each_message_has_the_url_for_its_own_status,
)

del test_a_text_is_delivered_whole_or_rejected  # WhatsApp sends templates
del test_each_message_has_the_url_for_its_own_status  # and posts to one URL
