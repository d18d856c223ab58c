"""The two clients' readers of times, written from the documents that promise how they read."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

# https://api.dart.dev/dart-core/DateTime/parse.html: date, optional time, optional offset. Without
# an offset the time is one of the phone's own zone.
_DART: Final = re.compile(
    r"(?P<year>[+-]?\d{4,6})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:[ T](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<part>\d+))?)?)?"
    r"(?P<zone> ?[zZ]| ?[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
# ECMA-262, 21.4.1.32 Date Time String Format; what has another form each engine reads as it
# likes. A date and time without an offset is one of the browser's own zone.
_ECMA: Final = re.compile(
    r"(?P<year>\d{4}|[+-]\d{6})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<part>\d{3}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_DART_DIGITS: Final = 6
"""Dart keeps microseconds and drops what is finer."""


def read_by_dart(text: str) -> datetime:
    """Give the instant that `DateTime.parse` reads, the same on every phone."""
    return _read(_DART, text)


def read_by_javascript(text: str) -> datetime:
    """Give the instant that `new Date` reads, the same in every browser."""
    assert not text.startswith("-000000"), "ECMA-262 has no such year"
    return _read(_ECMA, text)


def _read(form: re.Pattern[str], text: str) -> datetime:
    found = form.fullmatch(text)
    assert found is not None, f"{text!r} is no time"
    assert found["zone"] is not None, f"{text!r} is a time of wherever it is read"
    part = (found["part"] or "")[:_DART_DIGITS].ljust(_DART_DIGITS, "0")
    read = datetime(
        int(found["year"]),
        int(found["month"]),
        int(found["day"]),
        int(found["hour"]),
        int(found["minute"] or 0),
        int(found["second"] or 0),
        int(part),
        tzinfo=_zone(found["zone"].strip()),
    )
    return read.astimezone(UTC)


def _zone(text: str) -> timezone:
    if text in ("z", "Z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
