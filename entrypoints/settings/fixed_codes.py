"""Test numbers, as they are written in settings: +15005550006=123456@2027-01-01."""

from datetime import UTC, date, datetime, time, timedelta

from domain.errors import ValueRefused
from domain.phone import parse_phone
from domain.sign_in.code import parse_code
from domain.sign_in.fixed_codes import FixedCode, FixedCodes
from entrypoints.settings.variable import listed


def read_fixed_codes(text: str) -> FixedCodes:
    """Read phones with their codes and, after an @, the last day on which they work (UTC)."""
    numbers = listed(_read_one)(text)
    if len({number.phone for number in numbers}) < len(numbers):
        raise ValueRefused("Takes each number once.")
    return FixedCodes(numbers)


def all_end_within_a_year(fixed: FixedCodes, today: date) -> bool:
    """Whether each has a last day, and none that is later than today's date of next year (UTC)."""
    try:
        latest = today.replace(year=today.year + 1)
    except ValueError:  # today is 29 February
        latest = date(today.year + 1, 3, 1)
    end = _end_of_day(latest)
    return all(one.until is not None and one.until <= end for one in fixed.numbers)


def _read_one(text: str) -> FixedCode:
    phone, is_given, rest = text.partition("=")
    code, has_date, day = rest.partition("@")
    if not is_given or not phone.strip().startswith("+"):
        raise ValueRefused("Takes a number with its +, an = and its code.")
    until = _end_of(day.strip()) if has_date else None
    return FixedCode(parse_phone(phone.strip()), parse_code(code), until)


def _end_of(day: str) -> datetime:
    try:
        return _end_of_day(date.fromisoformat(day))
    except (ValueError, OverflowError):
        raise ValueRefused("Takes the last day after an @, like 2027-01-01.") from None


def _end_of_day(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=UTC)) + timedelta(days=1)
