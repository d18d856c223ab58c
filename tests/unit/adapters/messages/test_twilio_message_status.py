"""What Twilio's status callbacks say of the number: https://www.twilio.com/docs/api/errors."""

import pytest

from adapters.messages.twilio.message_status import read_message_status


@pytest.mark.parametrize(
    ("status", "code", "is_unreachable"),
    [
        ("undelivered", "30005", True),
        ("undelivered", "30006", True),
        # Switched off, blocked, filtered, unknown to the carrier's network.
        *(("undelivered", code, False) for code in ("30003", "30008", "")),
        ("sent", "30006", False),
    ],
)
def test_some_errors_say_that_no_sms_reaches_the_number(
    status: str, code: str, *, is_unreachable: bool
) -> None:
    read = read_message_status({"MessageStatus": status, "ErrorCode": code})
    assert read.is_unreachable is is_unreachable
