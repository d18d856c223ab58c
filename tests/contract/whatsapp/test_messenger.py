"""The promises of the port that sends messages to phones, with WhatsApp's Cloud API."""

from tests.contract.suites.messages.test_messenger import *
