"""The parsers of two clients' standard libraries, written from their documentation."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

# https://api.dart.dev/dart-core/DateTime/parse.html: date, optional time, optional offset. Without
# an offset, the time is in the phone's own time zone.
_DART: Final = re.compile(
    r"(?P<year>[+-]?\d{4,6})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:[ T](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<zone> ?[zZ]| ?[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
# ECMA-262, 21.4.1.32 Date Time String Format. Each engine parses other formats in its own way.
# Without an offset, a date and time is in the browser's own time zone.
_ECMA: Final = re.compile(
    r"(?P<year>\d{4}|[+-]\d{6})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{3}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_DART_FRACTION_DIGITS: Final = 6
"""Dart keeps microseconds and drops further digits."""


def parse_with_dart(text: str) -> datetime:
    """Return the time that `DateTime.parse` returns on every phone."""
    return _parse(_DART, text)


def parse_with_javascript(text: str) -> datetime:
    """Return the time that `new Date` returns in every browser."""
    assert not text.startswith("-000000"), "ECMA-262 has no such year"
    return _parse(_ECMA, text)


def _parse(pattern: re.Pattern[str], text: str) -> datetime:
    match = pattern.fullmatch(text)
    assert match is not None, f"{text!r} is not a time"
    assert match["zone"] is not None, f"{text!r} depends on the local time zone"
    fraction = (match["fraction"] or "")[:_DART_FRACTION_DIGITS].ljust(_DART_FRACTION_DIGITS, "0")
    time = datetime(
        int(match["year"]),
        int(match["month"]),
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"] or 0),
        int(match["second"] or 0),
        int(fraction),
        tzinfo=_parse_zone(match["zone"].strip()),
    )
    return time.astimezone(UTC)


def _parse_zone(text: str) -> timezone:
    if text in ("z", "Z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
