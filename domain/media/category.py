"""The label that an owner puts on an item."""

from typing import Final

from domain.errors import InvalidValue

MAX_LENGTH: Final = 64


def parse_category(text: str) -> str:
    """Give the category exactly as sent; the app compares it to the letter.

    Raises:
        InvalidValue: it is longer than 64 characters, or no text that can be stored.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidValue(f"A category has at most {MAX_LENGTH} characters.")
    if "\x00" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise InvalidValue("A category has no NUL and no half of a character.")
    return text
