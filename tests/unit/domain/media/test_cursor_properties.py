"""A cursor keeps its place exactly and in order, and nothing else is one."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.media.page import Cursor, PageRequest, encode_cursor, parse_cursor
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.library.schemas import parse_page_request
from tests.support.examples import examples

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(4253, 1, 1, tzinfo=UTC)
MOMENTS: Final = st.integers(0, (LAST - FIRST) // timedelta(microseconds=1)).map(
    lambda microseconds: FIRST + timedelta(microseconds=microseconds)
)
IDS: Final = st.integers(0, 16**24 - 1).map("{:024x}".format)
POSITIONS: Final = st.builds(Cursor, MOMENTS, IDS)
SHAPE: Final = re.compile(r"[0-9a-f]{38}", re.ASCII)


def damaged(cursor: str) -> st.SearchStrategy[str]:
    pieces = st.text(st.characters(exclude_categories=()), max_size=2)
    pieces |= st.sampled_from(["\n", " ", "+", "-", "0x", "_", "\u0660", "\uff11", "A", "%00"])
    return st.builds(
        lambda place, lost, piece: cursor[:place] + piece + cursor[place + lost :],
        st.integers(0, len(cursor)),
        st.integers(0, 2),
        pieces,
    )


@given(POSITIONS)
@example(Cursor(FIRST, "0" * 24))
@example(Cursor(LAST - timedelta(microseconds=1), "f" * 24))
@settings(max_examples=examples(15))
def test_the_next_page_begins_at_the_very_place_that_was_given(position: Cursor) -> None:
    asked = parse_page_request(None, None, encode_cursor(position))
    assert asked == PageRequest(after=position)


@given(st.lists(POSITIONS, min_size=2, max_size=6), IDS)
@settings(max_examples=examples(12))
def test_cursors_are_in_the_order_of_their_places(places: list[Cursor], an_id: str) -> None:
    # At one moment the ids decide.
    places.append(Cursor(places[0].created_at, an_id))
    in_order = sorted(places, key=lambda place: (place.created_at, place.id))
    assert sorted(map(encode_cursor, places)) == [encode_cursor(place) for place in in_order]
    for one, other in pairwise(in_order):
        assert (encode_cursor(one) == encode_cursor(other)) == (one == other)


@given(
    POSITIONS.map(encode_cursor).flatmap(damaged) | st.text(st.characters(exclude_categories=()))
)
@example("")
@example("f" * 39)
@example("f" * 38 + "\n")
@example("0" * 14 + "A" * 24)
@settings(max_examples=examples(20))
def test_any_other_text_is_refused_under_the_name_of_the_cursor(text: str) -> None:
    assume(not SHAPE.fullmatch(text))
    with pytest.raises(InvalidFields) as refusal:
        parse_page_request("1", "10", text)
    assert set(refusal.value.errors) == {"cursor"}


@given(st.from_regex(SHAPE, fullmatch=True))
@example("f" * 38)
@example("0" * 38)
@settings(max_examples=examples(12))
def test_every_text_of_the_shape_is_a_place_in_time(text: str) -> None:
    assert encode_cursor(parse_cursor(text)) == text
    assert parse_cursor(text).created_at.tzinfo is UTC
