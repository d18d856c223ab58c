"""Cursors: positions as clients keep them, who need not know what they say."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import InvalidValue
from domain.media.page import Cursor

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# 14 hex digits of microseconds, which last until the year 4253, and an id. Each text of this shape
# is a cursor and each position has one text, so that nothing is left to be judged.
_SHAPE: Final = re.compile(r"([0-9a-f]{14})([0-9a-f]{24})\Z")


def encode_cursor(cursor: Cursor) -> str:
    """Give the text that `parse_cursor` makes this position of again, to the microsecond."""
    return f"{(cursor.created_at - _EPOCH) // _MICROSECOND:014x}{cursor.id}"


def parse_cursor(text: str) -> Cursor:
    """Read a cursor that a page gave.

    Raises:
        InvalidValue: no page ever gave it.
    """
    shape = _SHAPE.match(text)
    if shape is None:
        raise InvalidValue(
            "This is no cursor: send the next_cursor of a page as it is, or none for the newest."
        )
    return Cursor(_EPOCH + int(shape[1], 16) * _MICROSECOND, shape[2])
