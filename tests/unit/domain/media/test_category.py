"""A category is returned exactly as sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.media.item import parse_category


@pytest.mark.parametrize("text", ["", " ", "Party  ", "e\u0308", "ﬁ", "\ttab", "🎉" * 64, "a" * 64])
def test_it_is_kept_to_the_letter(text: str) -> None:
    assert parse_category(text) == text


@pytest.mark.parametrize("text", ["a" * 65, "a\u0000", "\ud800", "a\udfff"], ids=ascii)
def test_what_is_too_long_or_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_category(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a" * 65, "A category has at most 64 characters."),
        ("\u0000", "A category has no NUL and no half of a character."),
    ],
)
def test_the_refusal_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_category(text)
    assert refusal.value.message == sentence


@given(st.text(max_size=70))
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        kept = parse_category(text)
    except InvalidValue:
        return
    assert kept == text
    assert len(text.encode().decode()) <= 64
