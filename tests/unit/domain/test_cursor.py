"""Pages and their cursors."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.errors import InvalidValue
from tests.support.builders import NOW, an_id
from tests.support.examples import examples

MIN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME: Final = datetime(4253, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
TIMES: Final = st.integers(0, (MAX_TIME - MIN_TIME) // MICROSECOND).map(
    lambda microseconds: MIN_TIME + timedelta(microseconds=microseconds)
)
IDS: Final = st.integers(0, 16**24 - 1).map("{:024x}".format)
CURSORS: Final = st.builds(Cursor, TIMES, IDS)
CURSOR_TEXT: Final = encode_cursor(Cursor(NOW, an_id(7)))


@given(CURSORS)
@example(Cursor(MIN_TIME, "0" * 24))
@example(Cursor(MAX_TIME - MICROSECOND, "f" * 24))
@settings(max_examples=examples(50))
def test_an_encoded_cursor_is_parsed_to_the_same_microsecond(cursor: Cursor) -> None:
    assert parse_cursor(encode_cursor(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        # Too short, too long, and other characters than those of an encoded cursor.
        "", CURSOR_TEXT[:-1], CURSOR_TEXT + "0", CURSOR_TEXT + "\n", CURSOR_TEXT.upper(), "\ud800",
        # What int() reads as well, and an id that the service did not make.
        CURSOR_TEXT.replace("0", "\u0660"), "-" + CURSOR_TEXT[1:], "0" * 14 + "A" * 24,
    ],
    ids=ascii,
)  # fmt: skip
def test_any_other_text_is_not_a_cursor(text: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_cursor(text)
    assert error.value.message == (
        "This is not a cursor. Send the next_cursor of a page unchanged, or none to start."
    )
