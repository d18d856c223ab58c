"""A cursor is a position as text; what no page gave is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.media.page import Cursor, encode_cursor, parse_cursor
from entrypoints.http.library.schemas import CURSOR_PATTERN
from tests.support.builders import NOW, an_id
from tests.support.examples import examples

POSITIONS = st.builds(
    Cursor,
    st.datetimes(datetime(1970, 1, 1), datetime(4000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- the zone is added
    st.from_regex("[0-9a-f]{24}", fullmatch=True),
)
GIVEN = encode_cursor(Cursor(NOW, an_id(7)))


@given(POSITIONS)
@settings(max_examples=examples(50))
def test_a_position_comes_back_to_the_microsecond(position: Cursor) -> None:
    assert parse_cursor(encode_cursor(position)) == position


@given(st.from_regex(CURSOR_PATTERN, fullmatch=True, alphabet=st.characters(codec="ascii")))
@settings(max_examples=examples(50))
def test_whatever_has_the_shape_that_is_described_is_a_cursor(text: str) -> None:
    assert encode_cursor(parse_cursor(text)) == text


@pytest.mark.parametrize("later", [timedelta(microseconds=1), timedelta(days=36_500)])
def test_a_cursor_tells_moments_apart(later: timedelta) -> None:
    assert encode_cursor(Cursor(NOW + later, an_id(7))) != GIVEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        GIVEN[:-1],
        GIVEN + "0",
        GIVEN + "\n",
        " " + GIVEN,
        GIVEN.upper(),
        GIVEN.replace("0", "\u0660"),
        "-" + GIVEN[1:],
        "g" * 38,
        "0" * 5000,
    ],
)
def test_what_no_page_gave_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_cursor(text)
    assert refusal.value.message == (
        "This is no cursor: send the next_cursor of a page as it is, or none for the newest."
    )
