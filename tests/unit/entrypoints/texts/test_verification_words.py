from datetime import timedelta
from typing import Any

import pytest

from domain.otp.delivery_policy import Limitation, Wait
from domain.otp.verification_state import NotServed, NotServedReason, VerificationState
from entrypoints.texts.codes import describe_verification
from tests.support.builders import NOW

EXPIRY = NOW + timedelta(minutes=5)


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
        ({}, "messages: now; attempts: no code is valid now"),
        (
            {
                "next_message": Wait(NOW + timedelta(minutes=15), Limitation.PER_PHONE),
                "code_expires_at": EXPIRY,
                "attempts_left": 3,
            },
            "messages: next at 09:45:00 UTC, limit per phone (to a device or IP of an earlier "
            "login: now); attempts: 3 left for the code that expires at 09:35:00 UTC",
        ),
        (
            {
                "next_message": Wait(NOW + timedelta(days=1), Limitation.TOTAL),
                "next_message_to_known": Wait(NOW + timedelta(days=1), Limitation.TOTAL),
            },
            "messages: next at 2026-05-02 09:30 UTC, limit in total; attempts: no code is valid "
            "now",
        ),
        (
            {"not_served": NotServed(NotServedReason.COUNTRY, "DE")},
            "messages: none, because its country, DE, is not in DIALTONE_COUNTRIES; attempts: no "
            "code is valid now",
        ),
        (
            {"not_served": NotServed(NotServedReason.TEST_OTP)},
            "messages: none, because it has a fixed code in DIALTONE_TEST_OTPS; attempts: no code "
            "is valid now",
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
