"""Test numbers, as they are written in settings: +15005550006=123456@2027-01-01."""

from datetime import UTC, date, datetime, time, timedelta

from domain.errors import InvalidValue
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import parse_phone
from entrypoints.settings.variable import listed


def read_fixed_codes(text: str) -> TestOtps:
    """Read phones with their codes and, after an @, the last day on which they work (UTC)."""
    numbers = listed(_read_one)(text)
    if len({number.phone for number in numbers}) < len(numbers):
        raise InvalidValue("Takes each number once.")
    return TestOtps(numbers)


def all_end_within_a_year(fixed: TestOtps, today: date) -> bool:
    """Whether each has a last day, and none that is later than today's date of next year (UTC)."""
    try:
        latest = today.replace(year=today.year + 1)
    except ValueError:  # today is 29 February
        latest = date(today.year + 1, 3, 1)
    end = _end_of_day(latest)
    return all(one.expires_at is not None and one.expires_at <= end for one in fixed.otps)


def _read_one(text: str) -> TestOtp:
    phone, is_given, rest = text.partition("=")
    code, has_date, day = rest.partition("@")
    if not is_given or not phone.strip().startswith("+"):
        raise InvalidValue("Takes a number with its +, an = and its code.")
    until = _end_of(day.strip()) if has_date else None
    return TestOtp(parse_phone(phone.strip()), parse_otp_code(code), until)


def _end_of(day: str) -> datetime:
    try:
        return _end_of_day(date.fromisoformat(day))
    except (ValueError, OverflowError):
        raise InvalidValue("Takes the last day after an @, like 2027-01-01.") from None


def _end_of_day(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=UTC)) + timedelta(days=1)
