"""Test numbers, as operators write them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.otp.challenge import OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import parse_phone
from entrypoints.settings import read_settings
from entrypoints.settings.fixed_codes import all_end_within_a_year, read_fixed_codes
from tests.support.settings import refused

NAME = "DIALTONE_TEST_NUMBERS"
PHONE = parse_phone("+15005550006")


def test_a_number_a_code_and_the_last_day_on_which_it_works() -> None:
    settings = read_settings({NAME: "+15005550006=123456@2027-01-01"}, None)

    end = datetime(2027, 1, 2, tzinfo=UTC)
    assert settings.test_otps == TestOtps((TestOtp(PHONE, OtpCode("123456"), end),))


def test_several_numbers_and_in_development_no_last_day() -> None:
    settings = read_settings({NAME: "+15005550006=123456, +1 415 555 2671 = 000000"}, None)

    other = parse_phone("+14155552671")
    assert settings.test_otps.otps == (
        TestOtp(PHONE, OtpCode("123456")),
        TestOtp(other, OtpCode("000000")),
    )


@pytest.mark.parametrize(
    "text",
    [
        "+15005550006",
        "+15005550006=",
        "+15005550006=12345",
        "15005550006=123456",
        "+15005550006=123456@",
        "+15005550006=123456@tomorrow",
        "+15005550006=123456@2027-02-30",
        "+15005550006=123456@9999-12-31",
        "+1=123456@2027-01-01",
        "+15005550006=123456@2027-01-01,+15005550006=654321@2027-01-01",
    ],
)
def test_what_cannot_be_used_is_refused_and_not_quoted(text: str) -> None:
    line = refused({NAME: text})[NAME]

    assert f"Example: {NAME}=" in line
    assert "654321" not in line


@pytest.mark.parametrize("day", ["", "@{too_late}"])
def test_production_takes_none_without_a_day_or_with_one_far_away(day: str) -> None:
    too_late = date.today() + timedelta(days=370)  # noqa: DTZ011 - to the day, with two to spare
    text = "+15005550006=123456" + day.format(too_late=too_late)

    assert "a last day" in refused({NAME: text, "DIALTONE_ENV": "production"})[NAME]


def test_production_takes_one_that_ends_within_a_year() -> None:
    soon = date.today() + timedelta(days=360)  # noqa: DTZ011 - the same
    environ = {NAME: f"+15005550006=123456@{soon}", "DIALTONE_ENV": "production"}

    assert NAME not in refused(environ)


def test_production_goes_on_to_start_when_one_is_over() -> None:
    environ = {NAME: "+15005550006=123456@2020-01-01", "DIALTONE_ENV": "production"}

    assert NAME not in refused(environ)


@pytest.mark.parametrize(
    ("today", "last", "too_late"),
    [
        (date(2026, 11, 20), "2027-11-20", "2027-11-21"),
        (date(2027, 11, 20), "2028-11-20", "2028-11-21"),
        (date(2028, 2, 28), "2029-02-28", "2029-03-01"),
        (date(2028, 2, 29), "2029-03-01", "2029-03-02"),
    ],
)
def test_a_year_ahead_is_the_same_date_of_the_next(today: date, last: str, too_late: str) -> None:
    latest = read_fixed_codes(f"+15005550006=123456@{last}")
    later = read_fixed_codes(f"+15005550006=123456@{last},+14155552671=123456@{too_late}")

    assert all_end_within_a_year(latest, today)
    assert not all_end_within_a_year(later, today)
