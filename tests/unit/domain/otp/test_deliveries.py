"""The deliveries to one phone: what becomes of one."""

from dataclasses import replace

import pytest

from domain.otp.deliveries import Deliveries, order_after
from domain.otp.delivery import MAX_REJECTION_LENGTH, Channel, parse_report_id, parse_request_id
from domain.otp.permits import LimitOwner, Permits
from tests.support.builders import NOW, a_delivery

OTHER = a_delivery(request_id="another-request")


def test_a_result_is_kept_unless_the_delivery_has_left_its_channel() -> None:
    sent = a_delivery(channel=Channel.WHATSAPP, provider="meta")
    deliveries = Deliveries((OTHER, sent))
    unknown = deliveries.keep_result("a-request", Channel.WHATSAPP, "", "x" * 1_000)
    assert unknown.find("a-request") == replace(sent, unknown_reason="x" * MAX_REJECTION_LENGTH)

    left = unknown.fall_back("a-request", Channel.SMS, "twilio", "131026 no WhatsApp")
    fell_back = "whatsapp: 131026 no WhatsApp"
    assert left.all == (
        OTHER,
        replace(sent, channel=Channel.SMS, provider="twilio", fell_back=fell_back),
    )
    assert left.keep_result("a-request", Channel.WHATSAPP, "meta", None) == left
    found = unknown.fall_back("a-request", Channel.SMS, "twilio", "x" * 1_000).find("a-request")
    assert found is not None
    assert len(found.fell_back) == MAX_REJECTION_LENGTH


def test_the_provider_that_had_the_code_last_is_tried_last_and_each_once() -> None:
    for last, order in (("", "abc"), ("other", "abc"), ("a", "bca"), ("c", "abc")):
        assert list(order_after(["a", "b", "c"], last)) == list(order)


def test_a_delivery_that_no_longer_counts_stays() -> None:
    deliveries = Deliveries((OTHER, a_delivery())).stop_counting("a-request")
    assert deliveries.counted == (OTHER,)
    assert len(deliveries.all) == 2
    assert deliveries.reset().counted == ()


def test_a_used_code_settles_only_the_deliveries_that_carried_it() -> None:
    of_code = a_delivery(permits=Permits(NOW, LimitOwner.STRANGERS))
    of_another = replace(of_code, challenge_id="another-challenge")
    settled = Deliveries((of_code, of_another, of_code)).settle(of_code.challenge_id)
    assert settled.all == (a_delivery(), of_another, a_delivery())


# Request ids


REQUEST_ID = "0123456789abcdef" * 2
REPORT_ID = "fedcba9876543210" * 2


def test_a_request_id_is_64_hex_digits_of_the_request_and_the_report() -> None:
    text = REQUEST_ID + REPORT_ID
    assert (parse_request_id(text), parse_report_id(text)) == (REQUEST_ID, REPORT_ID)


@pytest.mark.parametrize(
    "text",
    [
        "",
        REQUEST_ID,
        REQUEST_ID + REPORT_ID + "0",
        REQUEST_ID + REPORT_ID + "\n",
        (REQUEST_ID + REPORT_ID).upper(),
    ],
)
def test_any_other_text_names_no_report_and_is_an_unknown_request_id(text: str) -> None:
    assert (parse_request_id(text), parse_report_id(text)) == (text, None)
