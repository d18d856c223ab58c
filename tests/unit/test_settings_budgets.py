"""Budgets, as operators write them."""

from datetime import timedelta

import pytest

from domain.sign_in.window import Window
from entrypoints.settings import read_settings
from tests.settings import refused

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

    phone, shared = settings.send_limits, settings.shared_limits
    assert phone.phone == (Window(2, HOUR), Window(6, 24 * HOUR))
    assert phone.phone_and_address == (Window(1, HOUR / 2), Window(4, 24 * HOUR))
    assert phone.reserve == Window(1, HOUR)
    assert shared.address == Window(7, HOUR)
    assert shared.country == Window(8, 12 * HOUR)
    assert shared.everybody == Window(9, 24 * HOUR)
    assert shared.checks == Window(10, 1.5 * HOUR)


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
