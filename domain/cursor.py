"""Cursors of pages that list the newest record first."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import InvalidCursor

MAX_PAGE_SIZE: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# 14 hex digits of microseconds (until the year 4253) and an id. Every text of this form is a
# cursor, and every cursor has exactly one text.
_CURSOR: Final = re.compile(r"([0-9a-f]{14})([0-9a-f]{24})\Z")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position directly after a record, whether that still exists or not."""

    created_at: datetime
    id: str


def encode_cursor(cursor: Cursor) -> str:
    """Encode a cursor. `parse_cursor` restores it to the microsecond."""
    return f"{(cursor.created_at - _EPOCH) // _MICROSECOND:014x}{cursor.id}"


def parse_cursor(text: str) -> Cursor:
    """Parse a cursor from a page.

    Raises:
        InvalidCursor: the text is not a cursor.
    """
    match = _CURSOR.match(text)
    if match is None:
        raise InvalidCursor(
            "This is not a cursor. Send the next_cursor of a page unchanged, or none to start."
        )
    return Cursor(_EPOCH + int(match[1], 16) * _MICROSECOND, match[2])
