"""What operators read of codes: why one was rejected, and why one arrives or does not."""

from datetime import timedelta
from typing import Any

import pytest

from domain.otp.delivery import Channel
from domain.otp.delivery_policy import Limitation, Wait
from domain.otp.permits import Recognition
from domain.otp.rejection import COUNTRY_NOT_SERVED, PROVIDER_PAUSED, Rejection
from domain.otp.verification_state import NotServed, NotServedReason, VerificationState
from entrypoints.texts.codes import describe_rejection, describe_verification
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


def a_state(**changes: Any) -> VerificationState:
    details: dict[str, Any] = {
        "blocked_since": None,
        "not_served": None,
        "next_message": Wait(NOW),
        "next_message_to_known": Wait(NOW),
        "code_expires_at": None,
        "attempts_left": None,
        "attempts_of_next": 5,
        "failures_in_a_row": 0,
        "resets_left": 2,
        "deliveries": (),
    }
    return VerificationState(**details | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {
                "next_message": Wait(NOW + timedelta(minutes=15), Limitation.PER_PHONE),
                "code_expires_at": NOW + timedelta(minutes=5),
                "attempts_left": 3,
            },
            "messages: next at 09:45:00 UTC, limit per phone (to a device or IP of an earlier "
            "login: now); attempts: 3 left for the code that expires at 09:35:00 UTC",
        ),
        (
            {"not_served": NotServed(NotServedReason.COUNTRY, "DE")},
            "messages: none, because its country, DE, is not in DIALTONE_COUNTRIES; attempts: no "
            "code is valid now",
        ),
        (
            {"blocked_since": NOW, "failures_in_a_row": 50, "attempts_of_next": 1},
            "messages: now; attempts: no code is valid now; failed attempts in a row: 50, so the "
            "next message brings 1 attempt; blocked since 2026-05-01 09:30 UTC",
        ),
    ],
)
def test_the_state_says_why_a_code_arrives_or_does_not(changes: dict[str, Any], words: str) -> None:
    assert describe_verification(a_state(**changes), NOW) == words
