"""What operators read: why a code was rejected, and lines of CSV."""

from datetime import timedelta
from typing import Any

import pytest

from domain.otp.delivery import Channel
from domain.otp.delivery_policy import COUNTRY_NOT_SERVED, PROVIDER_PAUSED, Rejection
from domain.otp.permits import Recognition
from entrypoints.texts.codes import describe_rejection
from entrypoints.texts.csv_line import to_csv_line
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
    usual = {"clients": "", "until": None, "recognition": Recognition.NONE, "has_proof": False}
    rejection = Rejection(at=NOW, channel=Channel.SMS, **usual | details)
    assert describe_rejection(rejection, "US") == f"rejected: {words}"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("\t=1", "'\t'=1"),
        ("a;=1", "a;'=1"),
        ('a;"=1"', 'a;\'""=1""'),
        ("\uff1d1", "'\uff1d1"),
        ('a"b', 'a""b'),
        ("a-b", "a-b"),
    ],
)
def test_no_spreadsheet_runs_a_cell(cell: str, written: str) -> None:
    assert to_csv_line([cell, None]) == f'"{written}",""'
