"""What operators read of codes: why one was rejected, and why one arrives or does not."""

from datetime import timedelta
from typing import Any

import pytest

from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from domain.otp.rejection import COUNTRY_NOT_SERVED, PROVIDER_PAUSED, Rejection
from entrypoints.texts.codes import describe_rejection
from tests.support.builders import NOW


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (
            {
                "limit": "all_total",
                "until": NOW + timedelta(days=1),
                "recognition": Recognition.DEVICE,
                "has_proof": True,
            },
            "all messages to everybody in total, until 2026-05-02 09:30:00 UTC"
            " (from a recognized device, with a proof)",
        ),
        ({"limit": COUNTRY_NOT_SERVED}, "the country is not served"),
        ({"limit": "block_prefix"}, "the prefix of the number is blocked"),
        (
            {"limit": PROVIDER_PAUSED, "provider": "twilio", "cause": "HTTP 500 of twilio."},
            "twilio has a pause (HTTP 500 of twilio) (not recognized, without a proof)",
        ),
    ],
)
def test_a_rejection_says_what_rejected_whom_and_until_when(
    details: dict[str, Any], words: str
) -> None:
    usual = {"owner": "", "until": None, "recognition": Recognition.NONE, "has_proof": False}
    rejection = Rejection(at=NOW, channel=Channel.SMS, **usual | details)
    assert describe_rejection(rejection, "US") == f"rejected: {words}"
