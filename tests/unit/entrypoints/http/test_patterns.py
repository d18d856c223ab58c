"""Patterns and formats in the description match exactly the texts that a parser accepts."""

from collections.abc import Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.otp.challenge import parse_otp_code
from entrypoints.http.otp.schemas import OTP_PATTERN
from tests.support.examples import examples
from tests.support.schema_check import is_valid

# The pattern alone also matches other texts.
OTP_SCHEMA: Final = {"type": "string", "pattern": OTP_PATTERN, "format": "otp"}
CHARACTERS: Final = st.characters(codec="utf-8")
SEPARATORS: Final = st.sampled_from(["", "", " ", "-", "\u200b", "\u2013"]) | CHARACTERS
DIGITS: Final = st.characters(categories=["Nd"])
SEPARATED_CODES: Final = st.lists(st.tuples(SEPARATORS, DIGITS), min_size=5, max_size=7).map(
    lambda pairs: "".join(separator + digit for separator, digit in pairs)
)


def is_accepted(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except InvalidValue:
        return False
    return True


@settings(max_examples=examples(200))
@given(st.text(CHARACTERS, max_size=12) | SEPARATED_CODES)
def test_the_code_pattern_agrees_with_the_parser(text: str) -> None:
    assert is_valid({}, OTP_SCHEMA, text) is is_accepted(parse_otp_code, text)
