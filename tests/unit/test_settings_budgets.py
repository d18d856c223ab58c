"""Budgets, as operators write them."""

from datetime import timedelta

import pytest

from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings import read_settings
from tests.support.settings import refused

HOUR = timedelta(hours=1)


def test_budgets_are_counts_and_durations() -> None:
    settings = read_settings(
        {
            "DIALTONE_SENDS_PER_PHONE": "2/1h, 6/1d",
            "DIALTONE_SENDS_PER_PHONE_AND_ADDRESS": "1/30m,4/1d",
            "DIALTONE_SENDS_RESERVED": "1/1h",
            "DIALTONE_SENDS_PER_ADDRESS": "7/1h",
            "DIALTONE_SENDS_PER_COUNTRY": "8/12h",
            "DIALTONE_SENDS_IN_ALL": "9 / 1d",
            "DIALTONE_CHECKS_PER_ADDRESS": "10/90m",
        },
        None,
    )

    phone, shared = settings.delivery_policy, settings.rate_limits
    assert phone.per_phone == (SlidingWindow(2, HOUR), SlidingWindow(6, 24 * HOUR))
    assert phone.per_phone_and_ip == (SlidingWindow(1, HOUR / 2), SlidingWindow(4, 24 * HOUR))
    assert phone.trusted_ip_quota == SlidingWindow(1, HOUR)
    assert shared.per_ip == SlidingWindow(7, HOUR)
    assert shared.per_country == SlidingWindow(8, 12 * HOUR)
    assert shared.total == SlidingWindow(9, 24 * HOUR)
    assert shared.verifications_per_ip == SlidingWindow(10, 1.5 * HOUR)


@pytest.mark.parametrize(
    "text", ["5", "5/", "/1h", "0/1h", "5/2d", "5/30s", "five/1h", "5/1h,", "5/1h/1h"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    for name in ("DIALTONE_SENDS_PER_PHONE", "DIALTONE_SENDS_PER_PHONE_AND_ADDRESS"):
        assert f"Example: {name}=" in refused({name: text})[name]


@pytest.mark.parametrize("text", ["14/12h", "5/15m", "1/1h", "8/13h"])
def test_no_phone_gets_so_many_messages_that_its_code_could_be_guessed(text: str) -> None:
    assert "at most 14" in refused({"DIALTONE_SENDS_PER_PHONE": text})["DIALTONE_SENDS_PER_PHONE"]


def test_a_budget_of_all_has_one_window() -> None:
    assert list(refused({"DIALTONE_SENDS_IN_ALL": "5/1h,9/1d"})) == ["DIALTONE_SENDS_IN_ALL"]
