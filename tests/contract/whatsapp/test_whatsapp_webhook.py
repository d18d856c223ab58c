"""The promises to a provider that posts to one fixed URL, with WhatsApp's Cloud API."""

from tests.contract.suites.messages.test_fixed_webhook import *
from tests.contract.suites.messages.test_status_callbacks import (
    test_a_message_that_is_on_its_way_has_no_final_status,
    test_a_message_that_was_not_delivered_is_not_reported_as_delivered,
    test_a_request_without_a_signature_is_no_status_callback,
    test_a_status_callback_counts_with_its_signature_only,
    test_a_status_callback_may_be_late,
    test_no_signed_body_raises_an_exception,
)

__all__ = [
    "test_a_message_that_is_on_its_way_has_no_final_status",
    "test_a_message_that_was_not_delivered_is_not_reported_as_delivered",
    "test_a_request_without_a_signature_is_no_status_callback",
    "test_a_status_callback_counts_with_its_signature_only",
    "test_a_status_callback_may_be_late",
    "test_no_signed_body_raises_an_exception",
]
