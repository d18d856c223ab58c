"""Fields that several kinds of lines have."""

import re
from datetime import UTC, datetime
from typing import Final

from application.features.imports.lines import ImportProblem

_FIRST_YEAR: Final = 1970
_UNIX_SECONDS: Final = re.compile(r"\d{9,10}(?:\.\d{1,9})?")
_UNIX_MILLISECONDS: Final = re.compile(r"\d{12,13}")
# Databases write `2024-01-01 10:11:12 UTC`, and `2024-01-01 10:11:12 +0000`.
_UTC_NAME: Final = re.compile(r"(?<=\d) ?(?:UTC|GMT)\Z", re.IGNORECASE)
_OFFSET_SPACE: Final = re.compile(r"(?<=\d) (?=[+-]\d\d:?\d\d\Z)")


class InvalidField(Exception):
    """A field says nothing that can be imported. The message never has a phone number."""

    def __init__(self, problem: ImportProblem, message: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.message = message


def parse_time(text: str) -> datetime | None:
    """Parse ISO 8601 (UTC without an offset), or seconds or milliseconds since 1970; None if empty.

    Raises:
        InvalidField
    """
    if not text.strip():
        return None
    try:
        time = _read_time(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidField(ImportProblem.INVALID_CREATED_AT) from None
    if time.year < _FIRST_YEAR:
        raise InvalidField(ImportProblem.INVALID_CREATED_AT)
    return time


def _read_time(text: str) -> datetime:
    if _UNIX_MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if _UNIX_SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    without_name = _UTC_NAME.sub("", text)
    time = datetime.fromisoformat(_OFFSET_SPACE.sub("", without_name))
    if without_name != text and time.utcoffset():
        raise ValueError
    return time if time.tzinfo else time.replace(tzinfo=UTC)
