"""A pattern of the description holds for just the texts that its reader takes."""

import re
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.media.item import MAX_CATEGORY_LENGTH, parse_category
from domain.otp.challenge import parse_otp_code
from entrypoints.http.parameters import CATEGORY_PATTERN
from entrypoints.http.sign_in_schemas import CODE_PATTERN, DEVICE_PATTERN
from tests.support.examples import examples
from tests.support.schema_check import fits

CODES: Final = {"type": "string", "pattern": CODE_PATTERN}
CATEGORIES: Final = {
    "type": "string",
    "pattern": CATEGORY_PATTERN,
    "maxLength": MAX_CATEGORY_LENGTH,
}
ANYTHING: Final = st.characters(codec="utf-8")
BETWEEN: Final = st.sampled_from(["", "", " ", "-", "\u200b", "\u2013"]) | ANYTHING
DIGIT: Final = st.characters(categories=["Nd"])
SPELT_CODES: Final = st.lists(st.tuples(BETWEEN, DIGIT), min_size=5, max_size=7).map(
    lambda pairs: "".join(between + digit for between, digit in pairs)
)
SPACES: Final = [one for one in map(chr, range(0x3100)) if one.isspace()]


def takes(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except InvalidValue:
        return False
    return True


@settings(max_examples=examples(200))
@given(st.text(ANYTHING, max_size=12) | SPELT_CODES)
def test_what_fits_as_a_code_is_read_as_one_and_nothing_else_is(text: str) -> None:
    assert fits({}, CODES, text) is takes(parse_otp_code, text)


def test_any_white_space_may_stand_in_a_code() -> None:
    spaced = [f"{space}123{space}456{space}" for space in SPACES]
    assert [one for one in spaced if not fits({}, CODES, one)] == []
    assert [one for one in spaced if not takes(parse_otp_code, one)] == []


@settings(max_examples=examples(100))
@given(st.text(ANYTHING, max_size=MAX_CATEGORY_LENGTH + 1))
def test_what_fits_as_a_category_is_read_as_one_and_nothing_else_is(text: str) -> None:
    assert fits({}, CATEGORIES, text) is takes(parse_category, text)


@pytest.mark.parametrize(
    "text",
    ["", "Pixel 9", "Zo\u00eb's \U0001f4f1", "\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c"],
)
def test_a_device_is_called_as_people_call_it(text: str) -> None:
    assert re.fullmatch(DEVICE_PATTERN, text)


@pytest.mark.parametrize("text", ["a\nb", "a\n", "a\x00", "\x7f", "\x9b", "\u2028", "\u202eb"])
def test_a_device_has_nothing_that_breaks_or_turns_a_line(text: str) -> None:
    assert not re.fullmatch(DEVICE_PATTERN, text)
