"""What a client may send as `Idempotency-Key`."""

import pytest

from domain.errors import InvalidCharacters, InvalidValue, TooLong, TooShort
from domain.features.media.usage import MAX_IDEMPOTENCY_KEY_LENGTH, parse_idempotency_key


@pytest.mark.parametrize("text", ["1", "~!9f6c-3c5a", "k" * MAX_IDEMPOTENCY_KEY_LENGTH])
def test_visible_ascii_characters_are_a_key(text: str) -> None:
    assert parse_idempotency_key(text) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", TooShort),
        ("k" * (MAX_IDEMPOTENCY_KEY_LENGTH + 1), TooLong),
        ("two words", InvalidCharacters),
        ("a\n", InvalidCharacters),
    ],
)
def test_anything_else_is_rejected(text: str, error: type[InvalidValue]) -> None:
    with pytest.raises(error):
        parse_idempotency_key(text)
