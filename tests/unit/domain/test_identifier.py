"""Ids are 24 hex digits: the first 8 the time, the other 16 random."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifier import RANDOM_BYTES, make_identifier, parse_identifier
from tests.support.builders import NOW

TIMES = st.integers(0, 0xFFFFFFFF).map(lambda second: datetime.fromtimestamp(second, UTC))
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(TIMES, RANDOM)
def test_an_id_is_its_time_and_its_randomness(now: datetime, random: bytes) -> None:
    identifier = make_identifier(now, random)
    assert len(identifier) == 24
    assert int(identifier[:8], 16) == int(now.timestamp())
    assert bytes.fromhex(identifier[8:]) == random


@given(TIMES, RANDOM)
def test_an_id_is_read_as_it_was_made(now: datetime, random: bytes) -> None:
    identifier = make_identifier(now, random)
    assert parse_identifier(identifier) == identifier
    assert parse_identifier(identifier.upper()) == identifier


def test_ids_sort_by_the_second_in_which_they_were_made() -> None:
    earlier = make_identifier(NOW, b"\xff" * RANDOM_BYTES)
    later = make_identifier(NOW + timedelta(seconds=1), b"\x00" * RANDOM_BYTES)
    assert earlier < later


def test_ids_made_in_the_same_second_differ_by_chance() -> None:
    assert make_identifier(NOW, b"\x01" * 8) != make_identifier(NOW, b"\x02" * 8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "0" * 23,
        "0" * 25,
        "g" * 24,
        " " + "0" * 23,
        "0" * 24 + "\n",
        "0x" + "0" * 22,
        "-" + "0" * 23,
        "\N{ARABIC-INDIC DIGIT ZERO}" * 24,
        "\N{FULLWIDTH DIGIT ZERO}" * 24,
        "0" * 23 + "\u0000",
        "me",
    ],
)
def test_what_cannot_be_an_id_is_none(text: str) -> None:
    assert parse_identifier(text) is None


@given(st.text(max_size=30) | st.from_regex(r"[0-9a-fA-F]{20,28}", fullmatch=True))
def test_any_text_is_an_id_in_its_one_spelling_or_none(text: str) -> None:
    identifier = parse_identifier(text)
    is_one = len(text) == 24 and all(one in "0123456789abcdefABCDEF" for one in text)
    assert identifier == (text.lower() if is_one else None)
