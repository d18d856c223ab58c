"""The promises of the port that sends messages to phones, with WhatsApp's Cloud API."""

from tests.contract.suites.messages.test_messenger import *
from tests.contract.suites.messages.test_messenger import (
    test_a_text_is_delivered_whole_or_rejected,
)

del test_a_text_is_delivered_whole_or_rejected  # WhatsApp sends templates
