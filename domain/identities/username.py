"""What people call themselves."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from domain.errors import ValueRefused

SHORTEST: Final = 2
LONGEST: Final = 64
_LONGEST_RAW: Final = 1000
# Cc control, Cs surrogate, Co private use, Zl and Zp line breaks. Unassigned ones stay: they
# are the emoji of a Unicode newer than this Python's.
_REFUSED_CATEGORIES: Final = {"Cc", "Cs", "Co", "Zl", "Zp"}
# Characters that turn or hide the text around them (Unicode UAX #9 and the tag characters) and
# letters that show nothing (Hangul fillers, blank Braille); joiners (U+200C, U+200D) stay, as
# Persian, Hindi and emoji need them.
_INVISIBLE: Final = {
    *"\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2060\ufeff\u115f\u1160\u2800\u3164\uffa0",
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2061, 0x2070)),
    *map(chr, range(0xFFF9, 0xFFFC)),
    *map(chr, range(0xE0000, 0xE0080)),
}


@dataclass(frozen=True, slots=True)
class Username:
    """A name as first written; `key` is what it is compared by."""

    text: str

    @property
    def key(self) -> str:
        """The same for two spellings of one name, whatever their case or composition."""
        folded = unicodedata.normalize("NFC", self.text).casefold()
        return unicodedata.normalize("NFC", folded)


def parse_username(text: str) -> Username:
    """Read a name: NFC, trimmed, inner spaces collapsed, 2 to 64 characters.

    Raises:
        ValueRefused: it is too short, too long, or holds characters that names do not have.
    """
    if len(text) > _LONGEST_RAW:
        raise ValueRefused(f"A username has at most {LONGEST} characters.")
    if any(unicodedata.category(one) in _REFUSED_CATEGORIES for one in text.strip()):
        raise ValueRefused("A username has no control characters or line breaks.")
    if _INVISIBLE & set(text):
        raise ValueRefused("A username has no invisible characters.")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if len(name) < SHORTEST:
        raise ValueRefused(f"A username has at least {SHORTEST} characters.")
    if len(name) > LONGEST:
        raise ValueRefused(f"A username has at most {LONGEST} characters.")
    if not any(unicodedata.category(one)[0] in "LNSP" for one in name):
        raise ValueRefused("A username has at least one visible character.")
    return Username(name)
