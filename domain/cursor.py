"""Cursors of pages that list the newest record first."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import InvalidCursor

MAX_PAGE_SIZE: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
CURSOR_PATTERN: Final = "^[0-9a-f]{38}$"
"""14 hex digits of microseconds (until the year 4253) and an id.

Every text of this form is a cursor, and every cursor has exactly one text.
"""
_CURSOR: Final = re.compile(CURSOR_PATTERN)
_TIME_LENGTH: Final = 14


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position directly after a record, whether that still exists or not."""

    created_at: datetime
    id: str


def encode_cursor(cursor: Cursor) -> str:
    """Encode a cursor. `parse_cursor` restores it to the microsecond."""
    return f"{(cursor.created_at - _EPOCH) // _MICROSECOND:0{_TIME_LENGTH}x}{cursor.id}"


def parse_cursor(text: str) -> Cursor:
    """Parse a cursor from a page.

    Raises:
        InvalidCursor: the text is not a cursor.
    """
    if not _CURSOR.fullmatch(text):
        raise InvalidCursor(
            "This is not a cursor. Send the next_cursor of a page unchanged, or none to start."
        )
    time, identifier = text[:_TIME_LENGTH], text[_TIME_LENGTH:]
    return Cursor(_EPOCH + int(time, 16) * _MICROSECOND, identifier)
