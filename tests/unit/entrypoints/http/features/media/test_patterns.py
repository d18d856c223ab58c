"""The pattern of a category matches exactly the texts that its parser accepts."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.features.media.item import CATEGORY_PATTERN, MAX_CATEGORY_LENGTH, parse_category
from tests.support.examples import examples
from tests.support.schema_check import is_valid
from tests.unit.entrypoints.http.test_patterns import CHARACTERS, is_accepted

CATEGORY_SCHEMA: Final = {
    "type": "string",
    "pattern": CATEGORY_PATTERN,
    "maxLength": MAX_CATEGORY_LENGTH,
}


@settings(max_examples=examples(100))
@given(st.text(CHARACTERS, max_size=MAX_CATEGORY_LENGTH + 1))
def test_the_category_pattern_agrees_with_the_parser(text: str) -> None:
    assert is_valid({}, CATEGORY_SCHEMA, text) is is_accepted(parse_category, text)
