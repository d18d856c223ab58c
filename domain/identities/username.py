"""Usernames: the names that people give themselves."""

import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from domain.errors import InvalidCharacters, NoVisibleCharacter, TooLong, TooShort

MIN_LENGTH: Final = 2
MAX_LENGTH: Final = 64
MAX_INPUT_LENGTH: Final = 1000
"""Maximum length before spaces are collapsed."""
# Cc control, Cs surrogate, Co private use, Zl and Zp line breaks. Unassigned characters are
# allowed: they are the emoji of a Unicode version newer than this Python's.
_FORBIDDEN_CATEGORIES: Final = {"Cc", "Cs", "Co", "Zl", "Zp"}
# Invisible characters, and those that reverse or hide the text around them: Unicode's
# Default_Ignorable_Code_Point (assigned and reserved), annotation marks and blank Braille. Joiners
# (U+200C, U+200D) and variation selectors are allowed: Persian, Hindi, Mongolian and emoji need
# them.
_INVISIBLE: Final = {
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2800\u3164\ufeff\uffa0",
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xFFF0, 0xFFFC)),
    *map(chr, range(0x1BCA0, 0x1BCA4)),
    *map(chr, range(0x1D173, 0x1D17B)),
    *map(chr, range(0xE0000, 0xE0100)),
    *map(chr, range(0xE01F0, 0xE1000)),
}
# Code points that never get a meaning (The Unicode Standard, 23.7).
_NONCHARACTERS: Final = {
    *map(chr, range(0xFDD0, 0xFDF0)),
    *(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)),
}


@dataclass(frozen=True)
class Username:
    """A name as first written. Two names are the same if their keys are equal.

    An identity keeps the key under which its name was stored, although today's rules may derive
    another one: `stored_key` is that key, and None for a name that is not stored.
    """

    text: str
    stored_key: str | None = field(default=None, compare=False)

    @cached_property
    def key(self) -> str:
        """The same key for all spellings of a name, regardless of case and composition.

        A canonical caseless match (The Unicode Standard, 3.13, D145): decomposed before it is
        folded, because composition could separate a letter from its iota.
        """
        if self.stored_key is not None:
            return self.stored_key
        folded = unicodedata.normalize("NFD", self.text).casefold()
        return unicodedata.normalize("NFC", folded)


def parse_username(text: str) -> Username:
    """Parse a name: NFC, trimmed, inner spaces collapsed, 2 to 64 characters.

    Raises:
        TooShort, TooLong
        InvalidCharacters, NoVisibleCharacter: it has characters that names do not have.
    """
    if len(text) > MAX_INPUT_LENGTH:
        raise TooLong(f"A username has at most {MAX_LENGTH} characters.")
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text.strip()):
        raise InvalidCharacters("A username has no control characters or line breaks.")
    if not _INVISIBLE.isdisjoint(text) or not _NONCHARACTERS.isdisjoint(text):
        raise InvalidCharacters("A username has no invisible characters.")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if len(name) < MIN_LENGTH:
        raise TooShort(f"A username has at least {MIN_LENGTH} characters.")
    if len(name) > MAX_LENGTH:
        raise TooLong(f"A username has at most {MAX_LENGTH} characters.")
    if not any(map(_is_visible, name)):
        raise NoVisibleCharacter("A username has at least one visible character.")
    return Username(name)


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LNSP" or category == "Cn"
