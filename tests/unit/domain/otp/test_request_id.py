"""Request ids as clients have them."""

import pytest

from domain.otp.delivery import parse_report_id, parse_request_id

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
