"""Ids, cursors of pages, and the characters that are dropped from all input."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from precis_i18n.unicode import UnicodeData

from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.default_ignorable import drop_default_ignorable
from domain.errors import InvalidIdentifier, InvalidValue
from domain.identifier import RANDOM_BYTES, make_identifier, parse_identifier
from tests.support.builders import NOW, a_phone_verification, an_id, an_identity
from tests.support.examples import examples
from tests.support.media.builders import an_item
from tests.support.voice.builders import a_call

TIMES = st.integers(0, 0xFFFFFFFF).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(TIMES, RANDOM)
def test_an_id_consists_of_the_time_and_the_random_bytes(now: datetime, random: bytes) -> None:
    identifier = make_identifier(now, random)
    assert len(identifier) == 24
    assert int(identifier[:8], 16) == int(now.timestamp())
    assert bytes.fromhex(identifier[8:]) == random
    assert parse_identifier(identifier) == parse_identifier(identifier.upper()) == identifier


@pytest.mark.parametrize(
    "text",
    [
        # Another length or other characters, and what int() reads as well.
        "", "0" * 23, "0" * 25, "g" * 24, "0" * 24 + "\n", "-" + "0" * 23, "\u0660" * 24,
    ],
)  # fmt: skip
def test_other_text_is_not_an_id(text: str) -> None:
    assert parse_identifier(text) is None


@pytest.mark.parametrize("text", ["user-1", "A" * 24])
def test_no_entity_has_an_id_from_elsewhere(text: str) -> None:
    for make, field in (
        (an_identity, "id"),
        (a_phone_verification, "identity_id"),
        (an_item, "owner_id"),
        (a_call, "id"),
        (a_call, "identity_id"),
    ):
        with pytest.raises(InvalidIdentifier, match="An id has 24 hex digits"):
            make(**{field: text})
    with pytest.raises(InvalidIdentifier):
        an_item(id=text, storage_key=f"00/{an_id()}-{0:032x}.jpg")


MIN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME: Final = datetime(4253, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MICROSECONDS: Final = st.integers(0, (MAX_TIME - MIN_TIME) // MICROSECOND)
IDS: Final = st.integers(0, 16**24 - 1).map("{:024x}".format)
CURSORS: Final = st.builds(
    Cursor, MICROSECONDS.map(lambda number: MIN_TIME + number * MICROSECOND), IDS
)
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


def test_exactly_the_code_points_of_the_standard_are_dropped() -> None:
    is_ignorable = UnicodeData().default_ignorable  # has its own copy of the standard's list
    # There are none in the other planes.
    characters = [*map(chr, [*range(0x2_0000), *range(0xE_0000, 0xE_2000)])]
    kept = [character for character in characters if not is_ignorable(ord(character))]
    assert len(characters) - len(kept) == 4174
    assert drop_default_ignorable("".join(characters)) == "".join(kept)
