"""The label that an owner puts on an item."""

from typing import Final

from domain.errors import ValueRefused

LONGEST: Final = 64


def parse_category(text: str) -> str:
    """Give the category exactly as sent; the app compares it to the letter.

    Raises:
        ValueRefused: it is longer than 64 characters, or no text that can be stored.
    """
    if len(text) > LONGEST:
        raise ValueRefused(f"A category has at most {LONGEST} characters.")
    if "\x00" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise ValueRefused("A category has no NUL and no half of a character.")
    return text
